module ecsapp

go 1.21
