"""Key pairs made elsewhere: the public key is kept and shown, with its tags."""

import base64
import hashlib
from collections.abc import Callable
from typing import Any
from xml.sax.saxutils import escape

from localcloud.aws.ec2.engine import ec2

Params = dict[str, Any]


def install() -> None:
    """Put these in place of MiniStack's."""
    actions = ec2._ACTION_MAP
    actions["ImportKeyPair"] = _import_key_pair(actions["ImportKeyPair"])
    actions["DescribeKeyPairs"] = _describe_key_pairs


def _import_key_pair(original: Callable[[Params], Any]) -> Callable[[Params], Any]:
    """ImportKeyPair that keeps the public key, and its tags."""

    def keep(params: Params) -> Any:
        name = ec2._p(params, "KeyName")
        if name in ec2._key_pairs:
            return ec2._error("InvalidKeyPair.Duplicate", f"The keypair '{name}' already exists.", 400)
        answer = original(params)
        if answer[0] == 200:
            pair = ec2._key_pairs[name]
            pair["PublicKeyMaterial"] = base64.b64decode(ec2._p(params, "PublicKeyMaterial")).decode().strip()
            digest = hashlib.sha256(base64.b64decode(pair["PublicKeyMaterial"].split()[1])).digest()
            pair["KeyFingerprint"] = base64.b64encode(digest).decode()
            ec2._parse_tag_specs(params, "key-pair", pair["KeyPairId"])
        return answer

    return keep


def _describe_key_pairs(params: Params) -> Any:
    names = ec2._parse_member_list(params, "KeyName")
    for name in names:
        if name not in ec2._key_pairs:
            return ec2._error("InvalidKeyPair.NotFound", f"The key pair '{name}' does not exist", 400)
    shown = ec2._p(params, "IncludePublicKey") == "true"
    items = "".join(_key_xml(pair, shown) for name, pair in ec2._key_pairs.items() if not names or name in names)
    return ec2._xml(200, "DescribeKeyPairsResponse", f"<keySet>{items}</keySet>")


def _key_xml(pair: Params, shown: bool) -> str:
    key = pair.get("PublicKeyMaterial", "")
    public = f"<publicKey>{escape(key)}</publicKey>" if shown and key else ""
    kind = "ed25519" if key.startswith("ssh-ed25519") else "rsa"
    return f"""<item><keyName>{escape(pair["KeyName"])}</keyName><keyPairId>{pair["KeyPairId"]}</keyPairId>
        <keyFingerprint>{pair["KeyFingerprint"]}</keyFingerprint><keyType>{kind}</keyType>{public}
        {ec2._tag_set_xml(pair["KeyPairId"])}</item>"""
