from django.db import migrations

from models_registry.triggers import guard


class Migration(migrations.Migration):

    dependencies = [
        ('metrics', '0002_aligned_scores_apart'),
    ]

    operations = [
        guard('metrics', 'Score'),
    ]
