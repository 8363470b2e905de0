// The payload logger of KServe's agent in front of a model: its handler, its queue and its workers, as cmd/agent of
// KServe puts them together, without what a cluster would tell it.
//
//	agent -listen 127.0.0.1:0 -model http://127.0.0.1:8080 -logger http://127.0.0.1:4318 -service iris -namespace ml
//
// It prints the address that it listens on, and ends with its standard input.
package main

import (
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"

	"github.com/kserve/kserve/pkg/apis/serving/v1beta1"
	"github.com/kserve/kserve/pkg/logger"
	"go.uber.org/zap"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "where calls come in")
	model := flag.String("model", "", "where the model is")
	sink := flag.String("logger", "", "where events go")
	service := flag.String("service", "iris", "name of the inference service")
	namespace := flag.String("namespace", "default", "its namespace")
	workers := flag.Int("workers", 5, "threads that send, as many as the agent's default")
	flag.Parse()

	listener, err := net.Listen("tcp", *listen)
	must(err)
	source := parse("http://" + listener.Addr().String() + "/")
	logger.StartDispatcher(*workers, zap.NewNop().Sugar())
	handler := logger.New(parse(*sink), source, v1beta1.LogAll, *service, *namespace, "", "predictor",
		httputil.NewSingleHostReverseProxy(parse(*model)), nil, "", nil, false)
	go func() { must(http.Serve(listener, handler)) }()
	fmt.Println(listener.Addr())
	_, _ = io.Copy(io.Discard, os.Stdin)
}

func parse(text string) *url.URL {
	found, err := url.Parse(text)
	must(err)
	return found
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
