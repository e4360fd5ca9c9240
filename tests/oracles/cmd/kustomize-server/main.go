// Command kustomize-server answers builds without a process for each: it runs "kustomize build" as often as it is asked.
//
// A request is a line of JSON on standard input, {"args": ["FOLDER", "--reorder", "none"]}, with what would follow
// "kustomize build" on a command line. The answer is a line of JSON on standard output, {"output": "…"} or
// {"error": "…"}. What kustomize keeps for the life of its process is forgotten before each request, so that every
// answer is that of a new process.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"

	"sigs.k8s.io/kustomize/kustomize/v5/commands/build"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/kustomize/kyaml/openapi"
)

type request struct {
	Args []string `json:"args"`
}

type answer struct {
	Output string `json:"output"`
	Error  string `json:"error,omitempty"`
}

func main() {
	if err := serve(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "kustomize-server:", err)
		os.Exit(1)
	}
}

func serve(in io.Reader, out io.Writer) error {
	// Warnings are not compared.
	log.SetOutput(io.Discard)
	nothing, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	os.Stderr = nothing
	requests := json.NewDecoder(bufio.NewReader(in))
	answers := json.NewEncoder(out)
	for {
		var request request
		if err := requests.Decode(&request); err == io.EOF {
			return nil
		} else if err != nil {
			return fmt.Errorf("reading a request: %w", err)
		}
		if err := answers.Encode(run(request.Args)); err != nil {
			return fmt.Errorf("writing an answer: %w", err)
		}
	}
}

// run does what the command does with the arguments. A panic, which would end the process with a failure, is one.
func run(args []string) (result answer) {
	defer func() {
		if reason := recover(); reason != nil {
			result = answer{Error: fmt.Sprintf("panic: %v", reason)}
		}
	}()
	openapi.ResetOpenAPI()
	var output bytes.Buffer
	command := build.NewCmdBuild(filesys.MakeFsOnDisk(), build.MakeHelp("kustomize", "build"), &output)
	command.SilenceErrors = true
	command.SetOut(io.Discard)
	command.SetErr(io.Discard)
	command.SetArgs(args)
	if err := command.Execute(); err != nil {
		return answer{Error: err.Error()}
	}
	return answer{Output: output.String()}
}
