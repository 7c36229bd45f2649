module infra-release/log-agent

go 1.25
