"""Every campaign belongs to a project, those that are there to the first; and what people say of their tokens."""

import django.db.models.deletion
import models_registry.teams
from django.db import migrations, models


def into_first_project(apps, schema_editor):
    campaigns = apps.get_model("listening", "Campaign").objects
    if not campaigns.exists():
        return
    projects = apps.get_model("models_registry", "Project").objects
    first = projects.order_by("pk").first() or projects.create(
        name="First project", slug="first-project"
    )
    campaigns.update(project=first)
    if schema_editor.connection.vendor == "postgresql":
        # what the rows still owe their foreign keys would keep the table from being altered
        schema_editor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def project_field(**given):
    return models.ForeignKey(
        on_delete=django.db.models.deletion.PROTECT,
        related_name="campaigns",
        to="models_registry.project",
        **given,
    )


class Migration(migrations.Migration):

    dependencies = [
        ('knox', '0009_extend_authtoken_field'),
        ('listening', '0015_translations'),
        ('models_registry', '0003_projects'),
    ]

    operations = [
        migrations.CreateModel(
            name='TokenNote',
            fields=[
                ('token', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='note', serialize=False, to="knox.authtoken")),
                ('name', models.CharField(max_length=80)),
                ('only_reads', models.BooleanField(default=False)),
            ],
        ),
        migrations.AddField(
            model_name='campaign',
            name='project',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='campaigns', to='models_registry.project'),
        ),
        migrations.RunPython(into_first_project, migrations.RunPython.noop),
        migrations.AlterField("campaign", "project", project_field()),
        # the default is Python's affair and asks the database nothing here
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    "campaign",
                    "project",
                    project_field(default=models_registry.teams.operators_project),
                )
            ]
        ),
    ]
