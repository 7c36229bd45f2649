"""Whose request it is, and what that principal may do: the parts of IAM and STS that MiniStack leaves open.

MiniStack evaluates policies (identity, boundary, session, trust). Replaced here: its well-known root keys, which need
no signature; resources it does not name; iam:PassRole, which it never asks for; SimulatePrincipalPolicy with several
resources; and the parts of a web identity token it does not look at.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ministack.core import iam_actions, iam_evaluator, responses
from ministack.services import iam, sts

from localcloud.aws.home import Identity
from localcloud.aws.resources import json_object

ADMINISTRATOR = "administrator"


def create_administrator(identity: Identity) -> None:
    """An IAM user with AdministratorAccess and the home's access key, signed and checked like any other."""
    iam._create_user({"UserName": [ADMINISTRATOR]})
    iam._attach_user_policy({"UserName": [ADMINISTRATOR], "PolicyArn": ["arn:aws:iam::aws:policy/AdministratorAccess"]})
    iam._access_keys[identity.access_key_id] = {
        "UserName": ADMINISTRATOR,
        "AccessKeyId": identity.access_key_id,
        "SecretAccessKey": identity.secret_access_key,
        "Status": "Active",
        "CreateDate": iam._now(),
    }


def is_root_access_key(access_key_id: str) -> bool:
    """No key is root: MiniStack would take `test` and any twelve digits without a signature.

    No key at all stays what it is there: the caller of the few actions that AWS serves unsigned.
    """
    return not access_key_id


@dataclass(frozen=True)
class Principal:
    """Somebody a policy decision can be asked about later, without the request that named them."""

    access_key_id: str
    account: str
    region: str

    def refusal(self, action: str, resource: str, context: dict[str, str] | None = None) -> str | None:
        """Why this principal may not do it now, in AWS's words; None when it may."""
        with responses.request_scope(self.account, self.region):
            found = iam_evaluator.resolve_principal(self.access_key_id, self.account)
            if isinstance(found, iam_evaluator.AuthError):
                return str(found.message)
            question = iam_evaluator.EvalContext(
                principal_arn=found.arn,
                principal_type=found.type,
                principal_account=found.account,
                action=action,
                resource_arn=resource,
                region=self.region,
                service_context={key.lower(): value for key, value in (context or {}).items()},
                principal_keys=found.keys,
            )
            answer = iam_evaluator.evaluate(question, found.policies, *found.limits)
            if answer.decision == "Allow":
                return None
            return str(iam_actions.identity_denial_message(action, found.arn, resource, answer.decision == "Deny"))


# -- messages ---


def access_denied_response(original: Callable[..., Any]) -> Callable[..., Any]:
    """A denial that always names the resource, as most of AWS does today."""

    def response(service: str, action: str, principal: str, request_id: str, **kwargs: Any) -> Any:
        if not kwargs.get("message") and not kwargs.get("error_code") and not kwargs.get("resource_policy_arn"):
            kwargs["message"] = iam_actions.identity_denial_message(
                action, principal, kwargs.get("resource_arn") or "*", bool(kwargs.get("explicit_deny"))
            )
        return original(service, action, principal, request_id, **kwargs)

    return response


# -- what a task definition hands over: roles and tags ---

_ROLES_PASSED = {"RegisterTaskDefinition": ("executionRoleArn", "taskRoleArn")}
_TAGGED = {"RegisterTaskDefinition": "task-definition/{family}:*", "CreateService": "service/{cluster}/{serviceName}"}


def hand_over_refusal(headers: Any, body: bytes, principal: Principal) -> str | None:
    """Why the caller of an ECS action may not pass its roles or put its tags; None when it may."""
    action = str(headers.get("x-amz-target", "")).rsplit(".", 1)[-1]
    data = json_object(body)
    for field in _ROLES_PASSED.get(action, ()):
        role = str(data.get(field) or "")
        if not role:
            continue
        arn = role if role.startswith("arn:") else f"arn:aws:iam::{principal.account}:role/{role}"
        refusal = principal.refusal("iam:PassRole", arn, {"iam:PassedToService": "ecs-tasks.amazonaws.com"})
        if refusal:
            return refusal
    if data.get("tags") and action in _TAGGED:
        named = {**data, "cluster": str(data.get("cluster") or "default").rsplit("/", 1)[-1]}
        tail = _TAGGED[action].format_map(named)
        resource = f"arn:aws:ecs:{principal.region}:{principal.account}:{tail}"
        return principal.refusal("ecs:TagResource", resource, {"ecs:CreateAction": action})
    return None


def guard_ecs(handler: Callable[..., Any]) -> Callable[..., Any]:
    """MiniStack's ECS handler behind the question whether the caller may pass the roles and put the tags."""
    from ministack.core.router import extract_access_key_id

    async def guarded(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
        caller = Principal(extract_access_key_id(headers, query), responses.get_account_id(), responses.get_region())
        refusal = hand_over_refusal(headers, body, caller)
        if refusal:
            return responses.error_response_json("AccessDeniedException", refusal, 400)
        return await handler(method, path, headers, body, query)

    return guarded


# -- web identity ---


def web_identity_refusal(original: Callable[..., Any]) -> Callable[..., Any]:
    """AssumeRoleWithWebIdentity's checks: a registered provider, its audience, an unexpired token, the trust policy.

    The signature of the token is not checked: the issuer's keys are out of reach of a closed network.
    """

    def refused(role_arn: str, params: Any, use_json: bool) -> Any:
        claims = _claims(sts._p(params, "WebIdentityToken"))
        problem = _token_problem(claims, role_arn)
        if problem:
            code, message = problem
            if use_json:
                return responses.error_response_json(code, message, 400)
            return sts._error(400, code, message, ns="sts")
        return original(role_arn, params, use_json)

    return refused


def _claims(token: str) -> dict[str, Any]:
    import base64

    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (ValueError, IndexError):
        return {}
    return claims if isinstance(claims, dict) else {}


def _token_problem(claims: dict[str, Any], role_arn: str) -> tuple[str, str] | None:
    if not claims.get("iss") or not claims.get("sub") or not claims.get("aud"):
        return (
            "InvalidIdentityToken",
            "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)",
        )
    if "exp" in claims and float(claims["exp"]) < time.time():
        return "ExpiredTokenException", "Token expired: current date/time must be before the expiration date/time"
    issuer = str(claims["iss"]).split("://", 1)[-1].rstrip("/")
    account = role_arn.split(":")[4]
    provider = iam._oidc_providers.get_scoped(account, None, f"arn:aws:iam::{account}:oidc-provider/{issuer}")
    if provider is None:
        return "InvalidIdentityToken", "No OpenIDConnect provider found in your account for https://" + issuer
    audiences = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
    if not set(audiences) & set(provider.get("ClientIDList") or []):
        return "InvalidIdentityToken", "Incorrect token audience"
    return None


# -- simulation ---


def simulate_principal_policy(params: Any) -> Any:
    """SimulatePrincipalPolicy over every action and resource named, with the context entries given."""
    source = iam._p(params, "PolicySourceArn")
    account, region = responses.get_account_id(), responses.get_region()
    kind, _, name = source.rpartition(":")[2].partition("/")
    name = name.rsplit("/", 1)[-1]
    store = {"role": iam._roles, "user": iam._users}.get(kind)
    if store is None or name not in store:
        return iam._error(404, "NoSuchEntity", f"The principal {source} cannot be found.", ns="iam")
    gather = iam_evaluator._gather_role_policies if kind == "role" else iam_evaluator._gather_user_policies
    policies = gather(name, account)
    limits = iam_evaluator._permissions_boundary(store, name, account)
    context = _context_entries(params)
    members = []
    for action in _members(params, "ActionNames"):
        for resource in _members(params, "ResourceArns") or ["*"]:
            question = iam_evaluator.EvalContext(
                principal_arn=source,
                principal_type="AssumedRole" if kind == "role" else "User",
                principal_account=account,
                action=action,
                resource_arn=resource,
                region=region,
                service_context=context,
            )
            answer = iam_evaluator.evaluate(question, policies, *limits).decision
            decision = {"Allow": "allowed", "Deny": "explicitDeny"}.get(answer, "implicitDeny")
            members.append(
                f"<member><EvalActionName>{action}</EvalActionName><EvalResourceName>{resource}</EvalResourceName>"
                f"<EvalDecision>{decision}</EvalDecision><MatchedStatements/><MissingContextValues/></member>"
            )
    return iam._xml(
        200,
        "SimulatePrincipalPolicyResponse",
        "<SimulatePrincipalPolicyResult><EvaluationResults>"
        + "".join(members)
        + "</EvaluationResults><IsTruncated>false</IsTruncated></SimulatePrincipalPolicyResult>",
        ns="iam",
    )


def _members(params: Any, name: str) -> list[str]:
    found: list[str] = []
    while value := iam._p(params, f"{name}.member.{len(found) + 1}"):
        found.append(value)
    return found


def _context_entries(params: Any) -> dict[str, Any]:
    entries: dict[str, Any] = {}
    index = 1
    while key := iam._p(params, f"ContextEntries.member.{index}.ContextKeyName"):
        values = _members(params, f"ContextEntries.member.{index}.ContextKeyValues")
        entries[key.lower()] = values[0] if len(values) == 1 else values  # a list would be a multivalued key
        index += 1
    return entries
