"""Projects and their members; all that is there belongs to a first project, of which every account is an owner."""

import django.db.models.deletion
import models_registry.teams
from django.conf import settings
from django.db import migrations, models

BATCH = 1000


def into_first_project(apps, schema_editor):
    """Where there is anything or anybody: the first project, with everybody as its owners."""
    of = lambda name: apps.get_model("models_registry", name).objects  # noqa: E731
    app, _, name = settings.AUTH_USER_MODEL.partition(".")
    users = list(apps.get_model(app, name).objects.values_list("pk", flat=True))
    owned = [of(one) for one in ("AudioModel", "Job", "AuditEvent")]
    if not users and not of("Signal").exists() and not any(rows.exists() for rows in owned):
        return
    project = of("Project").create(name="First project", slug="first-project")
    membership = apps.get_model("models_registry", "Membership")
    membership.objects.bulk_create(
        [membership(project=project, user_id=user, role="owner") for user in users],
        batch_size=BATCH,
    )
    for rows in owned:
        rows.update(project=project)
    held = apps.get_model("models_registry", "Signal").holders.through
    signals = of("Signal").values_list("pk", flat=True)
    held.objects.bulk_create(
        [held(signal_id=signal, project=project) for signal in signals], batch_size=BATCH
    )
    if schema_editor.connection.vendor == "postgresql":
        # what the rows still owe their foreign keys would keep the tables from being altered
        schema_editor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def required(model, related_name):
    """Every row has its project by now; the default is Python's affair and asks the database nothing here."""
    to = {"to": "models_registry.project", "related_name": related_name}
    to["on_delete"] = django.db.models.deletion.PROTECT
    yield migrations.AlterField(model, "project", models.ForeignKey(**to))
    default = models.ForeignKey(default=models_registry.teams.operators_project, **to)
    yield migrations.SeparateDatabaseAndState(
        state_operations=[migrations.AlterField(model, "project", default)]
    )


class Migration(migrations.Migration):

    dependencies = [
        ('models_registry', '0002_renderings_under_a_condition'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Project',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=80)),
                ('slug', models.SlugField(max_length=80, unique=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'ordering': ['pk'],
            },
        ),
        migrations.CreateModel(
            name='Entry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('role', models.CharField(choices=[('reader', 'reader'), ('editor', 'editor'), ('owner', 'owner')], default='reader', max_length=10)),
                ('email', models.EmailField(blank=True, max_length=254)),
                ('made_by', models.CharField(max_length=150)),
                ('secret_sha256', models.CharField(max_length=64, unique=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('expires_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(blank=True, help_text='taken back by an owner', null=True)),
                ('used_at', models.DateTimeField(blank=True, null=True)),
                ('used_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='entries', to='models_registry.project')),
            ],
            options={
                'verbose_name_plural': 'entries',
                'ordering': ['-pk'],
            },
        ),
        migrations.AddField(
            model_name='audiomodel',
            name='project',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='models', to='models_registry.project'),
        ),
        migrations.AddField(
            model_name='auditevent',
            name='project',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='events', to='models_registry.project'),
        ),
        migrations.AddField(
            model_name='job',
            name='project',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='jobs', to='models_registry.project'),
        ),
        migrations.AddField(
            model_name='signal',
            name='holders',
            field=models.ManyToManyField(blank=True, help_text='the projects that it was given to by itself', related_name='signals', to='models_registry.project'),
        ),
        migrations.CreateModel(
            name='Membership',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('role', models.CharField(choices=[('reader', 'reader'), ('editor', 'editor'), ('owner', 'owner')], default='reader', max_length=10)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='memberships', to=settings.AUTH_USER_MODEL)),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='memberships', to='models_registry.project')),
            ],
            options={
                'ordering': ['pk'],
                'constraints': [models.UniqueConstraint(fields=('project', 'user'), name='membership_once'), models.CheckConstraint(condition=models.Q(('role__in', ['reader', 'editor', 'owner'])), name='membership_role_is_known')],
            },
        ),
        migrations.RunPython(into_first_project, migrations.RunPython.noop),
        *required("audiomodel", "models"),
        *required("job", "jobs"),
    ]
