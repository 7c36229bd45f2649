"""Who hears when a system costs more than it may."""

from dataclasses import dataclass

import pulumi
from pulumi_aws import budgets

NOTICES = (("ACTUAL", 80.0), ("FORECASTED", 100.0))  # percent of the month's limit


@dataclass(frozen=True, kw_only=True)
class BudgetArgs:
    name: str
    system: str  # by its tag, which the account must have activated for cost allocation
    monthly_usd: int
    email: str


class Budget(pulumi.ComponentResource):
    """A mail when four fifths are spent, and when the month will not do."""

    def __init__(self, name: str, args: BudgetArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("infra-release:money:Budget", name, None, opts)
        budgets.Budget(
            f"{name}-budget",
            name=args.name,
            budget_type="COST",
            time_unit="MONTHLY",
            limit_amount=str(args.monthly_usd),
            limit_unit="USD",
            cost_filters=[
                budgets.BudgetCostFilterArgs(
                    name="TagKeyValue",
                    values=[f"user:System${args.system}"],
                )
            ],
            notifications=[
                budgets.BudgetNotificationArgs(
                    comparison_operator="GREATER_THAN",
                    notification_type=kind,
                    threshold=percent,
                    threshold_type="PERCENTAGE",
                    subscriber_email_addresses=[args.email],
                )
                for kind, percent in NOTICES
            ],
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})
