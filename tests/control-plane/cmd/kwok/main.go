// Command kwok simulates the kubelets of a cluster: nodes are ready and pods run, without anything being run.
//
// It is a binary of its own because its global flags clash with those that Kubernetes' components register.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/pflag"
	"sigs.k8s.io/kwok/pkg/config"
	"sigs.k8s.io/kwok/pkg/kwok/cmd"
	"sigs.k8s.io/kwok/pkg/log"

	"windlass.dev/tests/control-plane/stages"
)

func main() {
	run := simulate
	if len(os.Args) == 2 && os.Args[1] == "stages" {
		run = printStages
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "kwok:", err)
		os.Exit(1)
	}
}

// printStages writes what --config is to be given, so that a test can put stages of its own beside these.
func printStages() error {
	all, err := stages.All()
	if err != nil {
		return err
	}
	_, err = fmt.Println(all)
	return err
}

func simulate() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	// The configuration is read before the command exists, from flags that the command parses again later.
	global := pflag.NewFlagSet("global", pflag.ContinueOnError)
	global.ParseErrorsAllowlist.UnknownFlags = true
	global.Usage = func() {}
	ctx, _ = log.InitFlags(ctx, global)
	ctx, err := config.InitFlags(ctx, global)
	if err != nil {
		return err
	}
	command := cmd.NewCommand(ctx)
	command.PersistentFlags().AddFlagSet(global)
	return command.ExecuteContext(ctx)
}
