package main

import (
	"fmt"
	"net/url"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/embed"
)

// newEtcdCommand makes a single-member etcd that trades durability for speed: its data dies with the test anyway.
func newEtcdCommand() *cobra.Command {
	var dataDir, clientURL, peerURL string
	command := &cobra.Command{
		Use:           "etcd",
		Short:         "Serve a single-member, non-durable etcd",
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(*cobra.Command, []string) error {
			return serveEtcd(dataDir, clientURL, peerURL)
		},
	}
	flags := command.Flags()
	flags.StringVar(&dataDir, "data-dir", "", "folder of the store")
	flags.StringVar(&clientURL, "listen-client-url", "", "URL to serve clients on")
	flags.StringVar(&peerURL, "listen-peer-url", "", "URL to serve peers on; never used, but etcd insists on one")
	for _, name := range []string{"data-dir", "listen-client-url", "listen-peer-url"} {
		if err := command.MarkFlagRequired(name); err != nil {
			panic(err)
		}
	}
	return command
}

func serveEtcd(dataDir, clientURL, peerURL string) error {
	client, err := url.Parse(clientURL)
	if err != nil {
		return fmt.Errorf("--listen-client-url: %w", err)
	}
	peer, err := url.Parse(peerURL)
	if err != nil {
		return fmt.Errorf("--listen-peer-url: %w", err)
	}
	config := embed.NewConfig()
	config.Dir = dataDir
	config.LogLevel = "warn"
	config.UnsafeNoFsync = true
	config.ListenClientUrls = []url.URL{*client}
	config.ListenPeerUrls = []url.URL{*peer}
	// What is advertised stays at its default: it has to name a port, which a socket has not, and a single member
	// without any other is never looked for.
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	// A load test writes far past the 2 GiB default before any compaction.
	config.QuotaBackendBytes = 8 << 30
	config.MaxRequestBytes = 10 << 20
	// The member elects itself, so the usual election timeout is only a slower start.
	config.TickMs = 50
	config.ElectionMs = 500

	server, err := embed.StartEtcd(config)
	if err != nil {
		return fmt.Errorf("starting etcd: %w", err)
	}
	defer server.Close()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	select {
	case <-stop:
		return nil
	case err := <-server.Err():
		return fmt.Errorf("serving etcd: %w", err)
	}
}
