// serve ADDRESS FILE: serves the file. fetch SOURCE URL...: says of each URL how many octets came, or why none did.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

func serve(address string, path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	fmt.Println("ready")
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	go func() {
		<-stop
		os.Exit(0)
	}()
	return http.Serve(listener, http.HandlerFunc(func(answer http.ResponseWriter, _ *http.Request) {
		answer.Write(data)
	}))
}

func fetch(source string, urls []string) {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(source)}}
	client := http.Client{Transport: &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true}}
	said := make([]string, len(urls))
	var all sync.WaitGroup
	for at, url := range urls {
		all.Add(1)
		go func(at int, url string) {
			defer all.Done()
			answer, err := client.Get(url)
			if err != nil {
				said[at] = err.Error()
				return
			}
			body, err := io.ReadAll(answer.Body)
			said[at] = fmt.Sprint(len(body), " ", err)
		}(at, url)
	}
	all.Wait()
	for _, line := range said {
		fmt.Println(line)
	}
}

func main() {
	if os.Args[1] == "fetch" {
		fetch(os.Args[2], os.Args[3:])
	} else if err := serve(os.Args[2], os.Args[3]); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}
