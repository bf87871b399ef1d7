// routed HOST:PORT connects, sends a line and prints what comes back.
package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
)

func main() {
	connection, problem := net.Dial("tcp", os.Args[1])
	if problem != nil {
		fmt.Println(problem)
		return
	}
	fmt.Println("peer", connection.RemoteAddr())
	fmt.Fprintf(connection, "hello\n")
	line, _ := bufio.NewReader(connection).ReadString('\n')
	fmt.Print("echo ", line)
}
