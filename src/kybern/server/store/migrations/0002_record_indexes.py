"""Indexes that lists, counts and owners of records come of alone, and none of the unit by itself."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("store", "0001_initial"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="recordrow",
            name="record_by_ref",
        ),
        migrations.AlterField(
            model_name="recordrow",
            name="kind",
            field=models.CharField(max_length=60),
        ),
        migrations.AlterField(
            model_name="recordrow",
            name="owner",
            field=models.CharField(blank=True, max_length=160),
        ),
        migrations.AlterField(
            model_name="recordrow",
            name="unit",
            field=models.BigIntegerField(),
        ),
        migrations.AddIndex(
            model_name="recordrow",
            index=models.Index(fields=["kind", "ref", "unit"], name="record_by_place"),
        ),
        migrations.AddIndex(
            model_name="recordrow",
            index=models.Index(fields=["kind", "owner", "unit"], name="record_by_owner"),
        ),
        migrations.AddIndex(
            model_name="recordrow",
            index=models.Index(fields=["owner", "kind", "unit"], name="record_owned"),
        ),
    ]
