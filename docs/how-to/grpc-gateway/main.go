// A grpc-gateway in front of an OpenRUM service that AWS SDKs and browsers can use.
//
// Usage: gateway SERVICE LISTEN, for example: gateway 127.0.0.1:50051 127.0.0.1:8080
package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	rumv1 "openrum/rum/v1"
)

const (
	maxBodyBytes    = 4 << 20
	maxDecodedBytes = 2 << 20
)

func main() {
	service, listen := os.Args[1], os.Args[2]
	mux := runtime.NewServeMux(
		runtime.WithErrorHandler(writeError),
		runtime.WithRoutingErrorHandler(writeRoutingError),
		// Authorization is always forwarded. Forward nothing else that a client chooses.
		runtime.WithIncomingHeaderMatcher(func(string) (string, bool) { return "", false }),
		runtime.WithOutgoingHeaderMatcher(func(string) (string, bool) { return "", false }),
	)
	conn, err := grpc.NewClient(service,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallSendMsgSize(32<<20), grpc.MaxCallRecvMsgSize(32<<20)))
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	if err := rumv1.RegisterDataPlaneServiceHandler(ctx, mux, conn); err != nil {
		log.Fatal(err)
	}
	if err := rumv1.RegisterControlPlaneServiceHandler(ctx, mux, conn); err != nil {
		log.Fatal(err)
	}
	server := &http.Server{
		Addr:        listen,
		Handler:     cors(boundedBody(slashes(mux))),
		ReadTimeout: 30 * time.Second, // a body may take this long
	}
	log.Fatal(server.ListenAndServe())
}

// slashes accepts the paths that AWS SDKs send: PutRumEvents ends with a slash.
func slashes(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL.Path = strings.TrimSuffix(r.URL.Path, "/")
		r.URL.RawPath = strings.TrimSuffix(r.URL.RawPath, "/")
		next.ServeHTTP(w, r)
	})
}

// boundedBody limits bodies, as sent and decoded, and decodes gzip.
func boundedBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBodyBytes)
		if r.Header.Get("Content-Encoding") == "gzip" {
			decoded, err := gzip.NewReader(r.Body)
			if err != nil {
				fail(w, http.StatusBadRequest, "ValidationException", "The body is not gzip.")
				return
			}
			r.Header.Del("Content-Encoding")
			r.Body = http.MaxBytesReader(w, struct {
				io.Reader
				io.Closer
			}{decoded, r.Body}, maxDecodedBytes)
		}
		body, err := io.ReadAll(r.Body)
		var tooLong *http.MaxBytesError
		if errors.As(err, &tooLong) {
			fail(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLargeException", "The body is too long.")
			return
		}
		if err != nil {
			fail(w, http.StatusBadRequest, "ValidationException", "The body cannot be read.")
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(w, r)
	})
}

// cors lets pages of every site put events, and no page use the control plane.
func cors(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Origin") == "" {
			next.ServeHTTP(w, r)
			return
		}
		if !strings.HasPrefix(r.URL.Path, "/appmonitors/") {
			fail(w, http.StatusForbidden, "AccessDeniedException", "Pages may only put events.")
			return
		}
		header := w.Header()
		header.Set("Access-Control-Allow-Origin", "*")
		header.Set("Access-Control-Expose-Headers", "x-amzn-ErrorType, Retry-After")
		if r.Method != http.MethodOptions {
			next.ServeHTTP(w, r)
			return
		}
		header.Set("Access-Control-Allow-Methods", "POST")
		header.Set("Access-Control-Allow-Headers", r.Header.Get("Access-Control-Request-Headers"))
		header.Set("Access-Control-Max-Age", "7200")
	})
}

// writeError gives errors the form that AWS SDKs read: a lower-case message and x-amzn-ErrorType.
func writeError(_ context.Context, _ *runtime.ServeMux, _ runtime.Marshaler,
	w http.ResponseWriter, _ *http.Request, err error) {
	failed := status.Convert(err)
	code := runtime.HTTPStatusFromCode(failed.Code())
	details := failed.Details()
	if len(details) == 0 {
		name := "ServiceUnavailable"
		if code == http.StatusBadRequest {
			name = "ValidationException"
		}
		fail(w, code, name, "The request could not be handled.")
		return
	}
	exception, known := details[0].(proto.Message)
	if !known {
		fail(w, code, "InternalServerException", "Internal service exception.")
		return
	}
	name := string(exception.ProtoReflect().Descriptor().Name())
	if name == "ServiceQuotaExceededException" {
		code = http.StatusPaymentRequired
	}
	encoded, _ := protojson.Marshal(exception)
	members := map[string]any{}
	_ = json.Unmarshal(encoded, &members)
	if seconds, found := members["retryAfterSeconds"].(float64); found {
		w.Header().Set("Retry-After", strconv.Itoa(int(seconds)))
		delete(members, "retryAfterSeconds")
	}
	write(w, code, name, members)
}

func writeRoutingError(_ context.Context, _ *runtime.ServeMux, _ runtime.Marshaler,
	w http.ResponseWriter, _ *http.Request, code int) {
	fail(w, code, "UnknownOperationException", http.StatusText(code))
}

func fail(w http.ResponseWriter, code int, name, message string) {
	write(w, code, name, map[string]any{"message": message})
}

func write(w http.ResponseWriter, code int, name string, members map[string]any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("x-amzn-ErrorType", name)
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(members)
}
