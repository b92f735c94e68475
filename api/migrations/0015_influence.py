"""Training runs may ask a person about labels, and may end because they do."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('api', '0014_more_field_words'),
    ]

    operations = [
        migrations.AlterField(
            model_name='trainingrun',
            name='outcome',
            field=models.CharField(blank=True, choices=[('promoted', 'Promoted'), ('rejected', 'Rejected'), ('unchanged', 'Unchanged'), ('pending_approval', 'Pending Approval')], max_length=20),
        ),
        migrations.CreateModel(
            name='ApprovalRequest',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('contradicts', 'Contradicts'), ('moves', 'Moves'), ('rejected', 'Rejected')], help_text='contradicts: set aside, for the base model is sure of the opposite; moves: learned, and bounded; rejected: set aside, for without them the candidate would have passed the gate', max_length=20)),
                ('label', models.CharField(blank=True, help_text='empty where it is about all labels', max_length=40)),
                ('answer', models.BooleanField(help_text='what the reviews say; null where they say different things', null=True)),
                ('words', models.JSONField(default=list, help_text='stems of the words that the reviews are about')),
                ('learned', models.PositiveIntegerField(default=0, help_text='reviews about these words that were learned all the same')),
                ('changed', models.JSONField(help_text='share of test sentences that the words would decide otherwise, without the bound and with', null=True)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('decision', models.CharField(blank=True, choices=[('approved', 'Approved'), ('declined', 'Declined')], max_length=20)),
                ('decided_by', models.CharField(blank=True, max_length=120)),
                ('decided_at', models.DateTimeField(null=True)),
                ('reason', models.CharField(blank=True, max_length=500)),
                ('key', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='api.apikey')),
                ('reviews', models.ManyToManyField(related_name='+', to='api.reviewedtweet')),
                ('run', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='approvals', to='api.trainingrun')),
            ],
        ),
    ]
