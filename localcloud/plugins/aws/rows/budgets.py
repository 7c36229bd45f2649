"""Budgets: what a month may cost, and who hears of it."""

import datetime
from typing import Any

from ...values import Object
from ..properties import Prop, many, name, number, text, texts
from ..row import Op, Row, row, tag_list, tag_map

_NOTIFICATION: dict[str, Prop] = {
    "comparisonOperator": text(required=True),
    "notificationType": text(required=True),
    "threshold": number(required=True),
    "thresholdType": text(required=True),
    "subscriberEmailAddresses": texts(unordered=True, api=""),
    "subscriberSnsTopicArns": texts(unordered=True, api=""),
}
_SUBSCRIBERS = {"subscriberEmailAddresses": "EMAIL", "subscriberSnsTopicArns": "SNS"}
_TIME = "%Y-%m-%d_%H:%M"


@row
class Budget(Row):
    token = "aws:budgets/budget:Budget"
    import_id = "account id:budget name"
    tagged = True
    regional = False
    gone = ("NotFoundException",)
    outputs = ("arn",)
    props = {
        "name": name(100, api="BudgetName"),
        "budgetType": text(required=True, replace=True),
        "timeUnit": text(required=True),
        "accountId": text(computed=True, replace=True, api=""),
        "limitAmount": text(computed=True, imported=True, api="", meaning=float),
        "limitUnit": text(computed=True, imported=True, api=""),
        "costFilters": many(
            {"name": text(required=True), "values": texts(required=True, unordered=True)},
            computed=True,
            unordered=True,
            api="",
        ),
        "timePeriodStart": text(computed=True, api=""),
        "timePeriodEnd": text(computed=True, api=""),
        "notifications": many(_NOTIFICATION, unordered=True, api=""),
    }

    def _budget(self, op: Op) -> dict[str, Any]:
        given = op.inputs
        sent = self.send(op)
        if given.get("limitAmount") is not None:
            sent["BudgetLimit"] = {"Amount": given["limitAmount"], "Unit": given.get("limitUnit") or "USD"}
        if filters := given.get("costFilters"):
            sent["CostFilters"] = {one["name"]: one["values"] for one in filters}
        period = {"timePeriodStart": "Start", "timePeriodEnd": "End"}
        if times := {api: _time(given[key]) for key, api in period.items() if given.get(key)}:
            sent["TimePeriod"] = times
        return sent

    def _notifications(self, wanted: list[Object]) -> list[dict[str, Any]]:
        return [
            {
                "Notification": {
                    key[0].upper() + key[1:]: one[key] for key in _NOTIFICATION if key not in _SUBSCRIBERS
                },
                "Subscribers": [
                    {"SubscriptionType": kind, "Address": address}
                    for key, kind in _SUBSCRIBERS.items()
                    for address in one.get(key) or []
                ],
            }
            for one in wanted
        ]

    def create(self, op: Op) -> str:
        account = op.inputs.get("accountId") or op.aws.account
        tags = {"ResourceTags": tag_list(op.tags)} if op.tags else {}
        op.client("budgets").create_budget(
            AccountId=account,
            Budget=self._budget(op),
            NotificationsWithSubscribers=self._notifications(op.inputs.get("notifications") or []),
            **tags,
        )
        return op.created(f"{account}:{op.inputs['name']}")

    def _where(self, op: Op) -> dict[str, str]:
        account, _, budget = op.id.partition(":")
        return {"AccountId": account, "BudgetName": budget}

    def read(self, op: Op) -> Object | None:
        budgets, where = op.client("budgets"), self._where(op)
        found = budgets.describe_budget(**where)["Budget"]
        limit, period = found.get("BudgetLimit") or {}, found.get("TimePeriod") or {}
        arn = op.aws.arn("budgets", f"budget/{where['BudgetName']}", region=False)
        shown = {
            **self.receive(found),
            "accountId": where["AccountId"],
            "limitAmount": limit.get("Amount"),
            "limitUnit": limit.get("Unit"),
            "costFilters": [{"name": key, "values": one} for key, one in (found.get("CostFilters") or {}).items()],
            "timePeriodStart": _shown(period.get("Start")),
            "timePeriodEnd": _shown(period.get("End")),
            "notifications": self._notified(op, where),
            "arn": arn,
            "tagsAll": tag_map(budgets.list_tags_for_resource(ResourceARN=arn).get("ResourceTags")),
        }
        return {key: value for key, value in shown.items() if value is not None}

    def _notified(self, op: Op, where: dict[str, str]) -> list[Object]:
        budgets = op.client("budgets")
        found = []
        for one in budgets.describe_notifications_for_budget(**where).get("Notifications", []):
            about = {key: value for key, value in one.items() if key != "NotificationState"}
            told = budgets.describe_subscribers_for_notification(**where, Notification=about)["Subscribers"]
            addresses = {
                key: [who["Address"] for who in told if who["SubscriptionType"] == kind]
                for key, kind in _SUBSCRIBERS.items()
            }
            values = {key: one[key[0].upper() + key[1:]] for key in _NOTIFICATION if key not in _SUBSCRIBERS}
            found.append({**values, **{key: given for key, given in addresses.items() if given}})
        return found

    def update(self, op: Op) -> None:
        budgets, where = op.client("budgets"), self._where(op)
        if op.changed - {"notifications"}:
            budgets.update_budget(AccountId=where["AccountId"], NewBudget=self._budget(op))
        if "notifications" in op.changed:
            for gone in self._notifications(op.old.get("notifications") or []):
                budgets.delete_notification(**where, Notification=gone["Notification"])
            for new in self._notifications(op.inputs.get("notifications") or []):
                budgets.create_notification(**where, **new)

    def delete(self, op: Op) -> None:
        op.client("budgets").delete_budget(**self._where(op))

    def retag(self, op: Op, put: dict[str, str], removed: list[str]) -> None:
        budgets, arn = op.client("budgets"), op.old["arn"]
        if removed:
            budgets.untag_resource(ResourceARN=arn, ResourceTagKeys=removed)
        if put:
            budgets.tag_resource(ResourceARN=arn, ResourceTags=tag_list(put))


def _time(shown: str) -> datetime.datetime:
    return datetime.datetime.strptime(shown, _TIME).replace(tzinfo=datetime.UTC)


def _shown(time: datetime.datetime | None) -> str | None:
    return time.astimezone(datetime.UTC).strftime(_TIME) if time else None
