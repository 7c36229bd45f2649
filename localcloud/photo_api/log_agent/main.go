// A stand-in for promtail on a network that does not reach its releases: it reads the same configuration file as far
// as it needs to, follows the journal, answers /ready and /metrics, and ships nothing.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"sync/atomic"
)

// setting is the first value of a key, at any depth of the file.
func setting(text []byte, key, otherwise string) string {
	found := regexp.MustCompile(`(?m)^[ \t-]*` + key + `:[ \t]*(\S+)`).FindSubmatch(text)
	if found == nil {
		return otherwise
	}
	return string(found[1])
}

func main() {
	file := flag.String("config.file", "", "promtail's configuration")
	flag.Parse()
	text, err := os.ReadFile(*file)
	if err != nil {
		log.Fatalf("the configuration cannot be read: %v", err)
	}
	target := setting(text, "url", "")
	if target == "" {
		log.Fatal("the configuration names no client url")
	}
	address := setting(text, "http_listen_address", "127.0.0.1") + ":" + setting(text, "http_listen_port", "9080")
	log.Printf("stand-in for promtail on %s: follows the journal, ships nothing to %s", address, target)

	var lines atomic.Int64
	var following atomic.Bool
	go follow(&lines, &following)
	http.HandleFunc("/ready", func(answer http.ResponseWriter, _ *http.Request) {
		if !following.Load() {
			http.Error(answer, "the journal cannot be followed", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(answer, "Ready")
	})
	http.HandleFunc("/metrics", func(answer http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(answer, "promtail_read_lines_total %d\n", lines.Load())
	})
	log.Fatal(http.ListenAndServe(address, nil))
}

// follow counts the journal's lines; when it ends, so does readiness.
func follow(lines *atomic.Int64, following *atomic.Bool) {
	journal := exec.Command("journalctl", "--follow", "--lines", "0", "--output", "cat")
	output, err := journal.StdoutPipe()
	if err != nil || journal.Start() != nil {
		log.Print("the journal cannot be followed")
		return
	}
	following.Store(true)
	for reader := bufio.NewScanner(output); reader.Scan(); {
		lines.Add(1)
	}
	following.Store(false)
	log.Print("the journal ended")
}
