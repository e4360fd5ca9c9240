module team-labels

go 1.24
