// Command labels is a KRM function for the tests of the plugin host: it reads a ResourceList, sets
// labels, and reports what it found. It uses the standard library alone.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand"
	"os"
	"strings"
	"time"
)

type object = map[string]any

type resourceList struct {
	APIVersion     string   `json:"apiVersion"`
	Kind           string   `json:"kind"`
	Items          []object `json:"items"`
	FunctionConfig *config  `json:"functionConfig,omitempty"`
	Results        []result `json:"results,omitempty"`
}

type config struct {
	Data map[string]string `json:"data"`
}

type result struct {
	Message     string            `json:"message"`
	Severity    string            `json:"severity"`
	ResourceRef map[string]string `json:"resourceRef"`
	Field       map[string]string `json:"field"`
}

func main() {
	list, err := read()
	if err != nil {
		fmt.Fprintln(os.Stderr, "labels:", err)
		os.Exit(2)
	}
	data := map[string]string{}
	if list.FunctionConfig != nil {
		data = list.FunctionConfig.Data
	}
	if message, ok := data["panic"]; ok {
		panic(message)
	}
	if text, ok := data["sleep"]; ok {
		sleep(text)
	}
	failed := false
	for _, item := range list.Items {
		metadata := child(item, "metadata")
		labels := child(metadata, "labels")
		if required, ok := data["require"]; ok && labels[required] == nil {
			failed = true
			list.Results = append(list.Results, about(item, required))
		}
		for key, value := range data {
			if name, ok := strings.CutPrefix(key, "label."); ok {
				labels[name] = value
			}
		}
		if path, ok := data["file"]; ok {
			child(metadata, "annotations")["file"] = content(path)
		}
		if _, ok := data["surroundings"]; ok {
			child(metadata, "annotations")["surroundings"] = surroundings()
		}
	}
	list.FunctionConfig = nil
	if err := json.NewEncoder(os.Stdout).Encode(list); err != nil {
		fmt.Fprintln(os.Stderr, "labels:", err)
		os.Exit(2)
	}
	if failed {
		fmt.Fprintln(os.Stderr, "labels: some are missing")
		os.Exit(1)
	}
}

// read opens standard input by its path, as some functions do, and reads the rest of it from where
// it is already open, which is empty.
func read() (*resourceList, error) {
	text, err := os.ReadFile("/dev/stdin")
	if err != nil {
		return nil, err
	}
	rest, err := io.ReadAll(os.Stdin)
	if err != nil || len(rest) != 0 {
		return nil, fmt.Errorf("%d bytes are left, error %v", len(rest), err)
	}
	list := &resourceList{}
	return list, json.Unmarshal(text, list)
}

func child(parent object, key string) object {
	found, ok := parent[key].(object)
	if !ok {
		found = object{}
		parent[key] = found
	}
	return found
}

func about(item object, label string) result {
	metadata := child(item, "metadata")
	text := func(value any) string {
		found, _ := value.(string)
		return found
	}
	return result{
		Message:  "the label " + label + " is missing",
		Severity: "error",
		ResourceRef: map[string]string{
			"apiVersion": text(item["apiVersion"]),
			"kind":       text(item["kind"]),
			"name":       text(metadata["name"]),
			"namespace":  text(metadata["namespace"]),
		},
		Field: map[string]string{"path": "metadata.labels"},
	}
}

func sleep(text string) {
	duration, err := time.ParseDuration(text)
	if err != nil {
		panic(err)
	}
	done := make(chan time.Duration)
	go func() {
		start := time.Now()
		time.Sleep(duration)
		done <- time.Since(start)
	}()
	if slept := <-done; slept < duration {
		panic(fmt.Sprintf("slept for %v only", slept))
	}
}

func content(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func surroundings() string {
	entries, err := os.ReadDir("/")
	names := []string{}
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return fmt.Sprintf("%s %v %v %v %v %d",
		time.Now().UTC().Format(time.RFC3339), os.Args, os.Environ(), names, err, rand.Int63())
}
