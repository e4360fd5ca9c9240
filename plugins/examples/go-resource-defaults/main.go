// Gives containers that ask for no resources the usual requests, so that the scheduler has something to go by, and says
// which these were.
package main

import (
	"fmt"
	"regexp"

	"resource-defaults/krm"
)

// Config is what stands under `config` in the step. A default that is empty is not set.
type Config struct {
	// CPU and Memory are the requests.
	CPU    string `json:"cpu"`
	Memory string `json:"memory"`
	// MemoryLimit is a limit. There is none for CPU: it slows a container down that could run.
	MemoryLimit string `json:"memoryLimit"`
}

// The grammar of quantities, as the API server has it, but for exponents.
var quantity = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$`)

func main() {
	krm.Run(func(list *krm.List, config Config) error {
		defaults := []struct{ key, kind, resource, value string }{
			{"cpu", "requests", "cpu", config.CPU},
			{"memory", "requests", "memory", config.Memory},
			{"memoryLimit", "limits", "memory", config.MemoryLimit},
		}
		for _, it := range defaults {
			if it.value != "" && !quantity.MatchString(it.value) {
				return krm.Wrong(it.key, fmt.Sprintf("`%s` is no quantity; write `100m` or `128Mi`", it.value))
			}
		}
		for _, object := range list.Objects {
			for _, at := range containers(object) {
				// A request of the container's own may be above the usual limit, and its limit below the usual request.
				said := map[string]bool{}
				for _, kind := range []string{"requests", "limits"} {
					for resource := range at.container.Map("resources", kind) {
						said[resource] = true
					}
				}
				for _, it := range defaults {
					if it.value == "" || said[it.resource] {
						continue
					}
					at.container.Make("resources", it.kind)[it.resource] = it.value
					list.Find(krm.Info, object, fmt.Sprintf("%s.resources.%s.%s", at.path, it.kind, it.resource),
						fmt.Sprintf("the container has none; %s is taken", it.value))
				}
			}
		}
		return nil
	})
}

type place struct {
	path      string
	container krm.Object
}

// containers finds the containers of an object, wherever its kind has the pod.
func containers(object krm.Object) []place {
	var path []string
	switch object.Kind() {
	case "Pod":
		path = []string{"spec"}
	case "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job":
		path = []string{"spec", "template", "spec"}
	case "CronJob":
		path = []string{"spec", "jobTemplate", "spec", "template", "spec"}
	default:
		return nil
	}
	var found []place
	for _, list := range []string{"initContainers", "containers"} {
		written := ""
		for _, key := range path {
			written += key + "."
		}
		for index, container := range object.Items(append(path[:len(path):len(path)], list)...) {
			found = append(found, place{fmt.Sprintf("%s%s[%d]", written, list, index), container})
		}
	}
	return found
}
