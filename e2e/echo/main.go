// Command echo is the origin of a behaviour for scripts/e2e-browser.sh. It says where it listens, until it is ended:
//
//	/live  a WebSocket: each message comes back
//	/wait  is answered when a WebSocket has ended, so that a browser whose clock waits for requests waits for that
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"golang.org/x/net/websocket"
)

func main() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, "echo:", err)
		os.Exit(1)
	}
	ended := make(chan struct{}, 10)
	mux := http.NewServeMux()
	mux.Handle("/live", websocket.Handler(func(c *websocket.Conn) {
		_, _ = io.Copy(c, c) // until the browser closes it
		ended <- struct{}{}
	}))
	mux.HandleFunc("/wait", func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-ended:
		case <-r.Context().Done():
		case <-time.After(20 * time.Second):
			w.WriteHeader(http.StatusGatewayTimeout)
		}
	})
	fmt.Println(l.Addr())
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	fmt.Fprintln(os.Stderr, "echo:", server.Serve(l))
	os.Exit(1)
}
