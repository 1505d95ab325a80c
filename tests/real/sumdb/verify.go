// Verify a log with golang.org/x/mod/sumdb, which Go's checksum database rests on. Nothing here hashes or checks by itself.
//
// Built together with common.go.
//
//	verify FOLDER KEY OLD_CHECKPOINT CONSISTENCY PROOF...
//
// FOLDER is a published log, CONSISTENCY a file with our hashes in base64, a PROOF a .tlog-proof.
package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

type folder string

func (f folder) Height() int { return 8 }

func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range tiles {
		// C2SP leaves the height out of the path.
		data, err := os.ReadFile(filepath.Join(string(f), "tile", strings.TrimPrefix(tile.Path(), "tile/8/")))
		if err != nil {
			return nil, err
		}
		found = append(found, data)
	}
	return found, nil
}

func (f folder) SaveTiles([]tlog.Tile, [][]byte) {}

func (f folder) entries(size int64) [][]byte {
	var found [][]byte
	for start := int64(0); start < size; start += 256 {
		tile := tlog.Tile{H: 8, L: 0, N: start / 256, W: 256}
		if size-start < 256 {
			tile.W = int(size - start)
		}
		path := strings.TrimPrefix(tile.Path(), "tile/8/0/")
		data, err := os.ReadFile(filepath.Join(string(f), "tile", "entries", path))
		must(err)
		for len(data) >= 2 {
			length := int(binary.BigEndian.Uint16(data))
			if len(data) < 2+length {
				must(fmt.Errorf("entry bundle %s ends within an entry", path))
			}
			found, data = append(found, data[2:2+length]), data[2+length:]
		}
	}
	return found
}

func main() {
	where, key := folder(os.Args[1]), os.Args[2]
	note, err := os.ReadFile(filepath.Join(string(where), "checkpoint"))
	must(err)
	tree := open(note, key)
	reader := tlog.TileHashReader(tree, where)

	entries := where.entries(tree.N)
	if int64(len(entries)) != tree.N {
		must(fmt.Errorf("%d entries in bundles, %d in the checkpoint", len(entries), tree.N))
	}
	for index := 0; index < len(entries); index += 1 + len(entries)/1500 {
		entry := entries[index]
		proof, err := tlog.ProveRecord(tree.N, int64(index), reader)
		must(err)
		must(tlog.CheckRecord(proof, tree.N, tree.Hash, int64(index), tlog.RecordHash(entry)))
	}

	note, err = os.ReadFile(os.Args[3])
	must(err)
	old := open(note, key)
	theirs, err := tlog.ProveTree(tree.N, old.N, reader)
	must(err)
	must(tlog.CheckTree(theirs, tree.N, tree.Hash, old.N, old.Hash))
	text, err := os.ReadFile(os.Args[4])
	must(err)
	must(tlog.CheckTree(hashes(string(text)), tree.N, tree.Hash, old.N, old.Hash))

	for _, path := range os.Args[5:] {
		check(path, key)
	}
	fmt.Printf("%d entries, %d proofs, consistent with %d\n", tree.N, len(os.Args)-5, old.N)
}
