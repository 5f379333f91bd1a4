// Command idle is the program in the image that bench runs: it waits to be stopped.
package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM) // the first process of a container ignores what it does not handle
	<-end
}
