from django.db import migrations

from kybern.server.access.permissions import SHIPPED_ROLES


def make(apps, schema_editor):
    role = apps.get_model("access", "Role")
    for one in SHIPPED_ROLES:
        defaults = {"name": str(one.name), "permissions": sorted(one.permissions), "shipped": True}
        role.objects.update_or_create(slug=one.slug, defaults=defaults)
    unit = apps.get_model("access", "Unit")
    if not unit.objects.exists():
        unit.objects.create(slug="organization", name="Organisation", kind="organization")


class Migration(migrations.Migration):
    dependencies = [("access", "0001_initial")]
    operations = [migrations.RunPython(make, migrations.RunPython.noop)]
