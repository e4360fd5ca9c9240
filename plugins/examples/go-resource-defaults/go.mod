module resource-defaults

go 1.24
