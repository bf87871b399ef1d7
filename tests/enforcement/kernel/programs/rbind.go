// rbind HOST:PORT connects, listens, tells its peer where, and prints what the connection that comes back says.
package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
)

func check(problem error) {
	if problem != nil {
		fmt.Println(problem)
		os.Exit(0)
	}
}

func main() {
	runtime.LockOSThread() // a pair is one of a thread
	control, problem := net.Dial("tcp4", os.Args[1])
	check(problem)
	listener, problem := net.Listen("tcp4", "0.0.0.0:0")
	check(problem)
	fmt.Fprintln(control, strings.Replace(listener.Addr().String(), ":", " ", 1))
	connection, problem := listener.Accept()
	check(problem)
	said, _ := io.ReadAll(connection)
	fmt.Println(string(said), connection.LocalAddr().String() == listener.Addr().String())
	_, problem = listener.Accept()
	check(problem)
}
