module windlass.test/labels

go 1.21
