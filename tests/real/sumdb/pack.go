// Verify the log's part of an unpacked auditor's pack with golang.org/x/mod/sumdb: checkpoints, proofs, and that the log only grew.
// Built together with common.go.
//
//	pack FOLDER
//
// FOLDER is the pack's folder proof.
package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

func read(path ...string) []byte {
	data, err := os.ReadFile(filepath.Join(path...))
	must(err)
	return data
}

func main() {
	where := os.Args[1]
	key := strings.TrimSpace(string(read(where, "key")))
	tree := open(read(where, "checkpoint"), key)

	proofs, err := filepath.Glob(filepath.Join(where, "entries", "*.tlog-proof"))
	must(err)
	for _, path := range proofs {
		check(path, key)
		if !bytes.HasSuffix(read(path), read(where, "checkpoint")) {
			must(fmt.Errorf("%s leads to another checkpoint", path))
		}
	}

	grown := 0
	for _, pattern := range []string{"as-of", "earlier/*", "timestamp/*"} {
		folders, err := filepath.Glob(filepath.Join(where, pattern))
		must(err)
		for _, folder := range folders {
			old := open(read(folder, "checkpoint"), key)
			text := strings.TrimSuffix(string(read(folder, "consistency")), "\n")
			if old.N == 0 { // the empty log: every log begins with it
				continue
			}
			must(tlog.CheckTree(hashes(text), tree.N, tree.Hash, old.N, old.Hash))
			grown++
		}
	}
	fmt.Printf("%d entries, %d proofs, continues %d earlier checkpoints\n", tree.N, len(proofs), grown)
}
