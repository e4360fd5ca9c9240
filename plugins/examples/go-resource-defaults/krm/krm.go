// Package krm makes a KRM function of a Go function: it reads the ResourceList on standard input, calls, and writes the
// list on standard output. Windlass hands it in as JSON, so that nothing but the standard library is needed.
//
// This file is part of the plugin: change what does not fit.
package krm

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"
)

// List is what a function works on.
type List struct {
	// Objects are the objects so far. What is in it when the function returns is what the pipeline goes on with.
	Objects []Object

	results []result
}

// Object is a Kubernetes object as JSON has it. Numbers are json.Number, so that none loses a digit.
type Object map[string]any

// Severity says how bad something is that was found.
type Severity string

const (
	// Error blocks the sync.
	Error Severity = "error"
	// Warning is shown.
	Warning Severity = "warning"
	// Info is shown where everything is shown.
	Info Severity = "info"
)

// Find notes something about an object, or about all of them when it is nil. The field is a path such as
// `spec.replicas`, or empty.
func (l *List) Find(severity Severity, object Object, field, message string) {
	found := result{Severity: severity, Message: message}
	if object != nil {
		found.Object = &reference{
			APIVersion: object.text("apiVersion"),
			Kind:       object.Kind(),
			Name:       object.Name(),
			Namespace:  object.Namespace(),
		}
	}
	if field != "" {
		found.Field = &place{Path: field}
	}
	l.results = append(l.results, found)
}

// Kind is the object's kind.
func (o Object) Kind() string { return o.text("kind") }

// Name is the object's name.
func (o Object) Name() string { return Object(o.Map("metadata")).text("name") }

// Namespace is the object's namespace; empty for none.
func (o Object) Namespace() string { return Object(o.Map("metadata")).text("namespace") }

// Map gives the mapping at a path; nil when there is none. What is changed in it is changed in the object.
func (o Object) Map(path ...string) map[string]any {
	at := map[string]any(o)
	for _, key := range path {
		at, _ = at[key].(map[string]any)
	}
	return at
}

// Items gives the mappings of the list at a path, such as the containers of a pod.
func (o Object) Items(path ...string) []Object {
	last := len(path) - 1
	list, _ := o.Map(path[:last]...)[path[last]].([]any)
	var items []Object
	for _, item := range list {
		if item, ok := item.(map[string]any); ok {
			items = append(items, item)
		}
	}
	return items
}

// Make gives the mapping at a path, and makes it where there is none.
func (o Object) Make(path ...string) map[string]any {
	at := map[string]any(o)
	for _, key := range path {
		next, ok := at[key].(map[string]any)
		if !ok {
			next = map[string]any{}
			at[key] = next
		}
		at = next
	}
	return at
}

// SetLabel sets a label.
func (o Object) SetLabel(key, value string) { o.Make("metadata", "labels")[key] = value }

// SetAnnotation sets an annotation.
func (o Object) SetAnnotation(key, value string) { o.Make("metadata", "annotations")[key] = value }

func (o Object) text(key string) string {
	text, _ := o[key].(string)
	return text
}

// Wrong is an error about a key of the configuration.
func Wrong(key, message string) error { return &wrong{key, message} }

type wrong struct{ field, message string }

func (w *wrong) Error() string { return w.message }

// Run reads the list, calls the function and writes what it made. An error stops the render, and is what a person reads.
//
// A key of the configuration that C does not have is an error: a misspelt one that is ignored costs more.
func Run[C any](function func(list *List, config C) error) {
	if err := run(os.Stdin, os.Stdout, function); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

type resourceList struct {
	APIVersion     string         `json:"apiVersion"`
	Kind           string         `json:"kind"`
	Items          []Object       `json:"items"`
	FunctionConfig map[string]any `json:"functionConfig,omitempty"`
	Results        []result       `json:"results,omitempty"`
}

type result struct {
	Message  string     `json:"message"`
	Severity Severity   `json:"severity"`
	Object   *reference `json:"resourceRef,omitempty"`
	Field    *place     `json:"field,omitempty"`
}

type reference struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Name       string `json:"name"`
	Namespace  string `json:"namespace,omitempty"`
}

type place struct {
	Path string `json:"path"`
}

func run[C any](in io.Reader, out io.Writer, function func(*List, C) error) error {
	var given resourceList
	decoder := json.NewDecoder(in)
	decoder.UseNumber()
	if err := decoder.Decode(&given); err != nil {
		return fmt.Errorf("standard input is no ResourceList in JSON: %w", err)
	}
	list := &List{Objects: given.Items}
	config, failure := configuration[C](given.FunctionConfig)
	if failure == nil {
		failure = function(list, config)
	}
	if failure != nil {
		found := result{Severity: Error, Message: failure.Error()}
		var wrong *wrong
		if errors.As(failure, &wrong) {
			found.Field = &place{Path: wrong.field}
		}
		list.results = append(list.results, found)
	}
	made := list.Objects
	if made == nil {
		made = []Object{}
	}
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(resourceList{APIVersion: given.APIVersion, Kind: given.Kind, Items: made, Results: list.results})
	if failure != nil {
		// The list says why already.
		os.Exit(1)
	}
	return err
}

// configuration reads the configuration from where it stands: in the data of a ConfigMap, which Windlass makes of a plain
// mapping and whose values are texts, or in an object of the function's own.
func configuration[C any](functionConfig map[string]any) (C, error) {
	var config C
	values := map[string]any{}
	if functionConfig["kind"] == "ConfigMap" && functionConfig["apiVersion"] == "v1" {
		data, _ := functionConfig["data"].(map[string]any)
		texts := textFields(reflect.TypeFor[C]())
		for key, value := range data {
			text, _ := value.(string)
			if !texts[key] && json.Valid([]byte(text)) {
				value = json.RawMessage(text)
			}
			values[key] = value
		}
	} else {
		for key, value := range functionConfig {
			if key != "apiVersion" && key != "kind" && key != "metadata" {
				values[key] = value
			}
		}
	}
	text, err := json.Marshal(values)
	if err != nil {
		return config, err
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&config); err != nil {
		return config, fmt.Errorf("the configuration is wrong: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	return config, nil
}

// textFields names the keys whose values are texts, and stay texts when they look like numbers.
func textFields(config reflect.Type) map[string]bool {
	texts := map[string]bool{}
	if config.Kind() != reflect.Struct {
		return texts
	}
	for i := range config.NumField() {
		field := config.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "" {
			name = field.Name
		}
		if field.Type.Kind() == reflect.String {
			texts[name] = true
		}
	}
	return texts
}
