// Package stages holds the behaviour of simulated pods, nodes and volumes.
package stages

import (
	"embed"
	"io/fs"
	"strings"

	nodefast "sigs.k8s.io/kwok/kustomize/stage/node/fast"
	podfast "sigs.k8s.io/kwok/kustomize/stage/pod/fast"
)

//go:embed *.yaml
var own embed.FS

// All is one YAML stream of every stage: nodes and pods that turn ready at once as kwok ships them, and those of this
// folder.
func All() (string, error) {
	documents := []string{
		nodefast.DefaultNodeInit,
		podfast.DefaultPodReady,
		podfast.DefaultPodComplete,
		podfast.DefaultPodDelete,
	}
	entries, err := fs.ReadDir(own, ".")
	if err != nil {
		return "", err
	}
	for _, entry := range entries {
		content, err := fs.ReadFile(own, entry.Name())
		if err != nil {
			return "", err
		}
		documents = append(documents, string(content))
	}
	return strings.Join(documents, "\n---\n"), nil
}
