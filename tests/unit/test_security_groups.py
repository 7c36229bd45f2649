"""What the packet filter of a machine is told."""

from collections.abc import Mapping

from localcloud.aws.ec2.firewall import chain

FIRST, LAST = "-A LOCALCLOUD -m conntrack --ctstate ESTABLISHED,RELATED -j RETURN", "-A LOCALCLOUD -j DROP"


def rules(*permissions: Mapping[str, object], **members: set[str]) -> list[str]:
    lines = chain(permissions, members).splitlines()
    assert lines[:3] == ["*mangle", ":LOCALCLOUD -", FIRST]
    assert lines[-2:] == [LAST, "COMMIT"]
    return [line.removeprefix("-A LOCALCLOUD ").removesuffix(" -j RETURN") for line in lines[3:-2]]


def test_without_rules_nothing_new_comes_in() -> None:
    assert rules() == []


def test_ranges_and_ports() -> None:
    web = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 81, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}
    number = {"IpProtocol": "17", "FromPort": 53, "ToPort": 53, "IpRanges": [{"CidrIp": "1.2.3.4/32"}]}
    everything = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    assert rules(web, number, everything) == [
        "-s 10.0.0.0/8 -p tcp -m tcp --dport 80:81",
        "-s 1.2.3.4/32 -p udp -m udp --dport 53:53",
        "-s 0.0.0.0/0",
    ]


def test_a_group_stands_for_its_members() -> None:
    web = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "UserIdGroupPairs": [{"GroupId": "sg_a"}]}
    assert rules(web, sg_a={"10.0.0.2", "10.0.0.1"}, sg_b={"10.0.0.9"}) == [
        "-s 10.0.0.1 -p tcp -m tcp --dport 80:80",
        "-s 10.0.0.2 -p tcp -m tcp --dport 80:80",
    ]
    assert rules(web) == []


def test_icmp_by_type_and_code() -> None:
    ping = {"IpProtocol": "icmp", "FromPort": 8, "ToPort": -1, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}
    full = {"IpProtocol": "icmp", "FromPort": 3, "ToPort": 4, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}
    every = {"IpProtocol": "icmp", "FromPort": -1, "ToPort": -1, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}
    assert rules(ping, full, every) == [
        "-s 10.0.0.0/8 -p icmp -m icmp --icmp-type 8",
        "-s 10.0.0.0/8 -p icmp -m icmp --icmp-type 3/4",
        "-s 10.0.0.0/8 -p icmp",
    ]
