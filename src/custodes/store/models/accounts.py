"""Services, the named people who work for them, what each may do, and who may search whose records."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models

from custodes.store.models.fields import choices, uid
from custodes.types import AccountState, Role


class Agency(models.Model):
    """A police service. ``code`` is what its records system calls it."""

    uid = uid()
    code = models.CharField(max_length=20, unique=True)
    name = models.CharField(max_length=200)
    created_at = models.DateTimeField()


class Account(AbstractBaseUser):
    """One named individual (IAM-01). There is no superuser and no anonymous account."""

    uid = uid()
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="accounts")
    email = models.EmailField(unique=True)
    full_name = models.CharField(max_length=200)
    personnel_number = models.CharField(max_length=40)
    state = choices(AccountState, default=AccountState.ACTIVE)
    sessions_ended = models.PositiveIntegerField(default=0)
    """How often all its sessions were ended at once; each session holds the number of its beginning."""
    failed_sign_ins = models.PositiveSmallIntegerField(default=0)
    locked_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField()

    objects: ClassVar[BaseUserManager[Account]] = BaseUserManager()  # type: ignore[assignment]

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["full_name", "personnel_number"]

    @property
    def is_active(self) -> bool:  # type: ignore[override]
        """Whether it may be used."""
        return self.state == AccountState.ACTIVE

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["agency", "personnel_number"], name="one_account_per_person"),
            models.CheckConstraint(condition=~models.Q(personnel_number=""), name="account_has_personnel_number"),
            models.CheckConstraint(condition=~models.Q(full_name=""), name="account_has_full_name"),
        ]


class RoleGrant(models.Model):
    """A role that an account holds."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="grants")
    role = choices(Role)
    granted_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["account", "role"], name="one_grant_per_role")]


class Agreement(models.Model):
    """``searcher`` may search ``owner``'s records on the days from ``starts_on`` to ``ends_on`` (SHR-01)."""

    owner = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="agreements_given")
    searcher = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="agreements_held")
    reference = models.CharField(max_length=100)
    starts_on = models.DateField()
    ends_on = models.DateField()
