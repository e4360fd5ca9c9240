//go:build tools

// Package oracles pins the programs that Windlass is held against.
//
// Nothing here is a part of Windlass; each program is built from its published module and run beside it.
package oracles

import (
	// What `windlass build` and the plugin `kustomize` have to agree with.
	_ "sigs.k8s.io/kustomize/kustomize/v5"
)
