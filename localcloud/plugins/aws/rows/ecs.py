"""ECS: clusters and their capacity providers."""

from ...values import Object
from ..properties import many, name, one, text, texts, whole
from ..row import Op, Row, row, tag_list, tag_map
from ..session import ApiError
from .ecs_task import retag

_BUSY = (
    "ClusterContainsServicesException",
    "ClusterContainsTasksException",
    "UpdateInProgressException",
    "ResourceInUseException",
)
_DELETE_SECONDS = 600


@row
class Cluster(Row):
    token = "aws:ecs/cluster:Cluster"
    import_id = "the cluster's name"
    upper = False
    tagged = True
    gone = ("ClusterNotFoundException",)
    outputs = ("arn",)
    props = {
        "name": name(255, api="clusterName"),
        "settings": many({"name": text(required=True), "value": text(required=True)}, unordered=True, computed=True),
        "serviceConnectDefaults": one({"namespace": text(required=True)}),
    }

    def create(self, op: Op) -> str:
        tags = {"tags": tag_list(op.tags, "key", "value")} if op.tags else {}
        answer = op.client("ecs").create_cluster(**self.send(op), **tags)
        return op.created(answer["cluster"]["clusterArn"])

    def read(self, op: Op) -> Object | None:
        answer = op.client("ecs").describe_clusters(clusters=[op.id], include=["TAGS", "SETTINGS", "CONFIGURATIONS"])
        found = answer["clusters"]
        if not found or found[0]["status"] == "INACTIVE":
            return None
        arn = found[0]["clusterArn"]
        return {
            **self.receive(found[0]),
            "id": arn,
            "arn": arn,
            "tagsAll": tag_map(found[0].get("tags"), "key", "value"),
        }

    def update(self, op: Op) -> None:
        op.client("ecs").update_cluster(cluster=op.id, **self.send(op, *(op.changed - {"name"})))

    def delete(self, op: Op) -> None:
        def deleted() -> bool:
            try:
                op.client("ecs").delete_cluster(cluster=op.id)
            except ApiError as error:
                if error.code not in _BUSY:
                    raise
                op.say(error.message)
                return False
            return True

        op.wait("the cluster to be empty", deleted, _DELETE_SECONDS)

    def retag(self, op: Op, put: dict[str, str], removed: list[str]) -> None:
        retag(op, op.old["arn"], put, removed)


@row
class ClusterCapacityProviders(Row):
    token = "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders"
    import_id = "the cluster's name"
    upper = False
    gone = ("ClusterNotFoundException",)
    props = {
        "clusterName": text(required=True, replace=True, api="cluster"),
        "capacityProviders": texts(unordered=True),
        "defaultCapacityProviderStrategies": many(
            {"capacityProvider": text(required=True), "base": whole(default=0), "weight": whole(default=0)},
            unordered=True,
            api="defaultCapacityProviderStrategy",
        ),
    }

    def create(self, op: Op) -> str:
        self._put(op, op.inputs["clusterName"])
        return op.created(op.inputs["clusterName"])

    def _put(self, op: Op, cluster: str) -> None:
        sent = {"capacityProviders": [], "defaultCapacityProviderStrategy": [], **self.send(op), "cluster": cluster}
        op.client("ecs").put_cluster_capacity_providers(**sent)

    def read(self, op: Op) -> Object | None:
        found = op.client("ecs").describe_clusters(clusters=[op.id])["clusters"]
        if not found or found[0]["status"] == "INACTIVE":
            return None
        values = self.receive(found[0])
        if op.old.get("capacityProviders") and not values.get("capacityProviders"):
            return None  # taken away from the cluster by somebody else
        return {**values, "clusterName": op.id}

    def update(self, op: Op) -> None:
        self._put(op, op.id)

    def delete(self, op: Op) -> None:
        op.client("ecs").put_cluster_capacity_providers(
            cluster=op.id, capacityProviders=[], defaultCapacityProviderStrategy=[]
        )
