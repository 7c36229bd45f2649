// A tiny service for scheduler tests: GET / and /health/ answer the version. MODE makes it bad in one way each:
// good, crash (exit 3 at start), exit (exits 4 after SECONDS), fail (health answers 500), silent (never listens),
// oom (allocates until killed), toggle (health is 500 once GET /break was called). "app probe" is its health check.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
)

func main() {
	port := ":8000"
	if len(os.Args) > 1 && os.Args[1] == "probe" {
		response, err := http.Get("http://127.0.0.1" + port + "/health/")
		if err != nil || response.StatusCode != 200 {
			os.Exit(1)
		}
		return
	}
	mode, version := os.Getenv("MODE"), os.Getenv("VERSION")
	fmt.Println("starting", version, mode)
	seconds, _ := strconv.ParseFloat(os.Getenv("SECONDS"), 64)
	after := time.Duration(seconds * float64(time.Second))
	var broken atomic.Bool
	switch mode {
	case "crash":
		fmt.Fprintln(os.Stderr, "fatal: cannot start: no configuration")
		os.Exit(3)
	case "exit":
		time.AfterFunc(after, func() { os.Exit(4) })
	case "fail":
		broken.Store(true)
	case "oom":
		go allocate()
	case "silent":
		stop := make(chan os.Signal, 1)
		signal.Notify(stop, syscall.SIGTERM)
		<-stop
		return
	}
	answer := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Version", version)
		if broken.Load() && r.URL.Path == "/health/" {
			w.WriteHeader(500)
		}
		fmt.Fprintf(w, "%s %s\n", version, os.Getenv("SECRET"))
	}
	http.HandleFunc("/", answer)
	http.HandleFunc("/break", func(w http.ResponseWriter, r *http.Request) { broken.Store(true) })
	http.HandleFunc("/slow/", func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(2 * time.Second)
		answer(w, r)
	})
	server := &http.Server{Addr: port}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	go func() {
		<-stop
		server.Shutdown(context.Background())
		fmt.Println("stopped")
		os.Exit(0)
	}()
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	select {}
}

func allocate() {
	var kept [][]byte
	for {
		block := make([]byte, 8<<20)
		for i := range block {
			block[i] = 1
		}
		kept = append(kept, block)
		time.Sleep(20 * time.Millisecond)
	}
}
