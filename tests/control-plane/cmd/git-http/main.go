// Command git-http serves the bare repositories of a folder over the smart HTTP protocol, on loopback.
//
// It runs "git http-backend", the reference implementation of the protocol, so what a client meets is what real servers
// send and not what a test imagined.
package main

import (
	"crypto/subtle"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/http/cgi"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "git-http:", err)
		os.Exit(1)
	}
}

func run() error {
	root := flag.String("root", "", "folder of the bare repositories")
	port := flag.Int("port", 0, "port on 127.0.0.1; 0 chooses a free one")
	tlsCert := flag.String("tls-cert", "", "certificate in PEM; with --tls-key, serves https")
	tlsKey := flag.String("tls-key", "", "private key in PEM")
	token := flag.String("token", "", "demand this as the password of basic authentication or as a bearer token")
	flag.Parse()
	if *root == "" || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	if (*tlsCert == "") != (*tlsKey == "") {
		return fmt.Errorf("--tls-cert and --tls-key go together")
	}
	folder, err := filepath.Abs(*root)
	if err != nil {
		return err
	}
	git, err := exec.LookPath("git")
	if err != nil {
		return fmt.Errorf("git is needed to serve repositories: %w", err)
	}
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", *port))
	if err != nil {
		return err
	}
	handler := authenticate(*token, backend(git, folder))
	// The URL is printed once the socket listens, so a reader of this line can connect at once.
	if *tlsCert != "" {
		fmt.Printf("https://%s\n", listener.Addr())
		return http.ServeTLS(listener, handler, *tlsCert, *tlsKey)
	}
	fmt.Printf("http://%s\n", listener.Addr())
	return http.Serve(listener, handler)
}

func backend(git, root string) http.Handler {
	return &cgi.Handler{
		Path: git,
		Args: []string{"http-backend"},
		Dir:  root,
		Env: []string{
			"GIT_PROJECT_ROOT=" + root,
			"GIT_HTTP_EXPORT_ALL=1",
			// The machine's own configuration must not decide what a test sees, nor who may own the folder.
			"GIT_CONFIG_GLOBAL=/dev/null",
			"GIT_CONFIG_NOSYSTEM=1",
			"GIT_CONFIG_COUNT=3",
			"GIT_CONFIG_KEY_0=safe.directory",
			"GIT_CONFIG_VALUE_0=*",
			"GIT_CONFIG_KEY_1=uploadpack.allowFilter",
			"GIT_CONFIG_VALUE_1=true",
			"GIT_CONFIG_KEY_2=uploadpack.allowReachableSHA1InWant",
			"GIT_CONFIG_VALUE_2=true",
		},
		InheritEnv: []string{"PATH"},
	}
}

func authenticate(token string, next http.Handler) http.Handler {
	if token == "" {
		return next
	}
	return http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
		_, given, _ := request.BasicAuth()
		if bearer, found := strings.CutPrefix(request.Header.Get("Authorization"), "Bearer "); found {
			given = bearer
		}
		if subtle.ConstantTimeCompare([]byte(given), []byte(token)) != 1 {
			response.Header().Set("WWW-Authenticate", `Basic realm="git"`)
			http.Error(response, "a token is needed", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(response, request)
	})
}
