// The peer of the fan-out benchmark: a hub on the centrifuge library (the engine of Centrifugo), given the same ticks.
//
// It makes the ticks of benchmarks/_fanout_ticks.py at a fixed rate from SIGUSR1 on, and publishes each as the same
// message that our hub would send. Prints its port, ends by itself after -seconds.
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/centrifugal/centrifuge"
)

// message is tick number i, from 0 on.
func message(i, rate, universe, startNs int64) []byte {
	due, cents := startNs+i*1_000_000_000/rate, 10_000+i%50*100+i%100
	b := fmt.Appendf(nil, `{"op":"t","c":"t:S%04d","n":%d,"px":%d`, i*7919%universe, i/universe+1, cents/100)
	if cents%10 != 0 {
		b = fmt.Appendf(b, ".%02d", cents%100)
	} else if cents%100 != 0 {
		b = fmt.Appendf(b, ".%d", cents%100/10)
	}
	b = fmt.Appendf(b, `,"sz":%d,"ts":%d`, 1+i%900, due/1000)
	if due%1000 != 0 {
		b = fmt.Appendf(b, `,"tn":%d`, due%1000)
	}
	return fmt.Appendf(b, `,"src":"sim","ve":"V","id":%d,"el":2047}`, i+1)
}

func newNode(writeDelay time.Duration, messagesInFrame int) (*centrifuge.Node, error) {
	node, err := centrifuge.New(centrifuge.Config{ClientChannelLimit: 1000, ClientQueueMaxSize: 64 << 20})
	if err != nil {
		return nil, err
	}
	node.OnConnecting(func(context.Context, centrifuge.ConnectEvent) (centrifuge.ConnectReply, error) {
		return centrifuge.ConnectReply{
			Credentials:        &centrifuge.Credentials{UserID: ""},
			WriteDelay:         writeDelay,
			MaxMessagesInFrame: messagesInFrame,
			PingPongConfig:     &centrifuge.PingPongConfig{PingInterval: -1, PongTimeout: -1},
		}, nil
	})
	node.OnConnect(func(client *centrifuge.Client) {
		client.OnSubscribe(func(_ centrifuge.SubscribeEvent, reply centrifuge.SubscribeCallback) {
			reply(centrifuge.SubscribeReply{}, nil)
		})
	})
	return node, node.Run()
}

func publish(node *centrifuge.Node, rate, universe int64) {
	channels := make([]string, universe)
	for i := range channels {
		channels[i] = fmt.Sprintf("t:S%04d", i)
	}
	startNs, made := time.Now().UnixNano(), int64(0)
	for {
		due := (time.Now().UnixNano()-startNs)*rate/1_000_000_000 + 1
		for ; made < due; made++ {
			if _, err := node.Publish(channels[made*7919%universe], message(made, rate, universe, startNs)); err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
		}
		time.Sleep(time.Millisecond)
	}
}

func run() error {
	rate := flag.Int64("rate", 5000, "ticks a second")
	universe := flag.Int64("universe", 500, "symbols")
	writeDelay := flag.Duration("write-delay", 0, "how long messages are collected before they are written")
	messagesInFrame := flag.Int("messages-in-frame", 16, "most messages of a frame")
	seconds := flag.Int("seconds", 60, "how long it runs")
	print := flag.Int64("print", 0, "print the first messages and end")
	startNs := flag.Int64("start-ns", 0, "when the first printed message was due")
	flag.Parse()
	for i := int64(0); i < *print; i++ {
		fmt.Printf("%s\n", message(i, *rate, *universe, *startNs))
	}
	if *print > 0 {
		return nil
	}
	begin := make(chan os.Signal, 1)
	signal.Notify(begin, syscall.SIGUSR1)
	node, err := newNode(*writeDelay, *messagesInFrame)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	http.Handle("/ws", centrifuge.NewWebsocketHandler(node, centrifuge.WebsocketConfig{
		WriteTimeout: 30 * time.Second, CheckOrigin: func(*http.Request) bool { return true },
	}))
	failed := make(chan error, 1)
	go func() { failed <- http.Serve(listener, nil) }()
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	end := time.After(time.Duration(*seconds) * time.Second)
	for {
		select {
		case <-begin:
			go publish(node, *rate, *universe)
		case err := <-failed:
			return err
		case <-end:
			return nil
		}
	}
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}
