// Package secretmanagertest is Google Secret Manager in the process of a test: a
// gRPC server with the calls that Rollcall makes, which checks names, checksums
// and sizes as Google does, and fails on demand.
package secretmanagertest

import (
	"context"
	"fmt"
	"hash/crc32"
	"net"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
)

const maxPayload = 64 << 10

// The names of the calls, for Fail and Calls.
const (
	Create = "CreateSecret"
	Add    = "AddSecretVersion"
	Access = "AccessSecretVersion"
	Delete = "DeleteSecret"

	Destroy = "DestroySecretVersion"
)

var (
	projectName = regexp.MustCompile(`^projects/[a-z0-9-]+$`)
	secretName  = regexp.MustCompile(`^projects/[a-z0-9-]+/secrets/[A-Za-z0-9_-]{1,255}$`)
	versionName = regexp.MustCompile(`^(projects/[a-z0-9-]+/secrets/[A-Za-z0-9_-]{1,255})/versions/(latest|[1-9][0-9]{0,8})$`)
	secretID    = regexp.MustCompile(`^[A-Za-z0-9_-]{1,255}$`)
)

// Server is one Secret Manager. Other calls than the five fail as unimplemented.
// Its methods may be called concurrently.
type Server struct {
	secretmanagerpb.UnimplementedSecretManagerServiceServer
	addr string

	mu       sync.Mutex
	secrets  map[string][][]byte // by number less one; nil is destroyed
	faults   map[string][]error
	before   func(call string)
	calls    map[string]int
	damaging bool
}

// New starts a server that ends with the test.
func New(t *testing.T) *Server {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{addr: l.Addr().String(), secrets: map[string][][]byte{}, faults: map[string][]error{}, calls: map[string]int{}}
	g := grpc.NewServer(grpc.UnaryInterceptor(s.intercept))
	secretmanagerpb.RegisterSecretManagerServiceServer(g, s)
	done := make(chan struct{})
	go func() { defer close(done); _ = g.Serve(l) }()
	t.Cleanup(func() { g.Stop(); <-done })
	return s
}

// Client returns the options that make Google's client talk to the server.
func (s *Server) Client() []option.ClientOption {
	return []option.ClientOption{
		option.WithEndpoint(s.addr), option.WithoutAuthentication(),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())),
	}
}

// Fail makes the next call of the given name fail with code. Several add up.
func (s *Server) Fail(call string, code codes.Code) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[call] = append(s.faults[call], status.Error(code, "injected"))
}

// Damage makes answers lose a bit on their way, or no more.
func (s *Server) Damage(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.damaging = on
}

// Before makes the server call f with the call's name before each call that it
// serves; nil ends it. f may block, and may call the server.
func (s *Server) Before(f func(call string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before = f
}

// Calls returns how many calls of the given name came.
func (s *Server) Calls(call string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[call]
}

func (s *Server) intercept(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	call := info.FullMethod[len("/google.cloud.secretmanager.v1.SecretManagerService/"):]
	s.mu.Lock()
	s.calls[call]++
	before := s.before
	var fault error
	if f := s.faults[call]; len(f) > 0 {
		fault, s.faults[call] = f[0], f[1:]
	}
	s.mu.Unlock()
	if before != nil {
		before(call)
	}
	if fault != nil {
		return nil, fault
	}
	return next(ctx, req)
}

// CreateSecret implements the service.
func (s *Server) CreateSecret(_ context.Context, r *secretmanagerpb.CreateSecretRequest) (*secretmanagerpb.Secret, error) {
	if !projectName.MatchString(r.GetParent()) || !secretID.MatchString(r.GetSecretId()) {
		return nil, status.Error(codes.InvalidArgument, "bad parent or secret_id")
	}
	if r.GetSecret().GetReplication().GetReplication() == nil {
		return nil, status.Error(codes.InvalidArgument, "secret.replication is required")
	}
	name := r.GetParent() + "/secrets/" + r.GetSecretId()
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.secrets[name]; ok {
		return nil, status.Errorf(codes.AlreadyExists, "Secret [%s] already exists.", name)
	}
	s.secrets[name] = nil
	return &secretmanagerpb.Secret{Name: name, Replication: r.GetSecret().GetReplication()}, nil
}

// AddSecretVersion implements the service.
func (s *Server) AddSecretVersion(_ context.Context, r *secretmanagerpb.AddSecretVersionRequest) (*secretmanagerpb.SecretVersion, error) {
	data := r.GetPayload().GetData()
	switch {
	case !secretName.MatchString(r.GetParent()):
		return nil, status.Error(codes.InvalidArgument, "bad parent")
	case len(data) == 0 || len(data) > maxPayload:
		return nil, status.Error(codes.InvalidArgument, "the payload must be 1 to 65536 bytes")
	case r.GetPayload().DataCrc32C == nil:
		// Google lets it out; Rollcall never does.
		return nil, status.Error(codes.InvalidArgument, "data_crc32c is missing")
	case r.GetPayload().GetDataCrc32C() != checksum(data):
		return nil, status.Error(codes.InvalidArgument, "data_crc32c does not match the data")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	versions, ok := s.secrets[r.GetParent()]
	if !ok {
		return nil, notFound(r.GetParent())
	}
	s.secrets[r.GetParent()] = append(versions, data)
	return &secretmanagerpb.SecretVersion{
		Name: fmt.Sprintf("%s/versions/%d", r.GetParent(), len(versions)+1), State: secretmanagerpb.SecretVersion_ENABLED,
		ClientSpecifiedPayloadChecksum: true,
	}, nil
}

// AccessSecretVersion implements the service.
func (s *Server) AccessSecretVersion(_ context.Context, r *secretmanagerpb.AccessSecretVersionRequest) (*secretmanagerpb.AccessSecretVersionResponse, error) {
	m := versionName.FindStringSubmatch(r.GetName())
	if m == nil {
		return nil, status.Error(codes.InvalidArgument, "bad name")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := s.numberLocked(m[1], m[2])
	if err != nil {
		return nil, err
	}
	if s.secrets[m[1]][n-1] == nil {
		return nil, status.Errorf(codes.FailedPrecondition, "[%s] is in DESTROYED state.", r.GetName())
	}
	data := append([]byte(nil), s.secrets[m[1]][n-1]...)
	sum := checksum(data)
	if s.damaging {
		data[0] ^= 1
	}
	return &secretmanagerpb.AccessSecretVersionResponse{
		Name:    fmt.Sprintf("%s/versions/%d", m[1], n),
		Payload: &secretmanagerpb.SecretPayload{Data: data, DataCrc32C: &sum},
	}, nil
}

// numberLocked returns the number of a version of a secret that has it.
func (s *Server) numberLocked(secret, version string) (int, error) {
	count := len(s.secrets[secret])
	n := count // the latest is the newest whatever its state
	if version != "latest" {
		n, _ = strconv.Atoi(version) // the pattern lets digits alone through
	}
	if n < 1 || n > count {
		return 0, notFound(secret + "/versions/" + version)
	}
	return n, nil
}

// DestroySecretVersion implements the service.
func (s *Server) DestroySecretVersion(_ context.Context, r *secretmanagerpb.DestroySecretVersionRequest) (*secretmanagerpb.SecretVersion, error) {
	m := versionName.FindStringSubmatch(r.GetName())
	if m == nil {
		return nil, status.Error(codes.InvalidArgument, "bad name")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := s.numberLocked(m[1], m[2])
	if err != nil {
		return nil, err
	}
	if s.secrets[m[1]][n-1] == nil {
		return nil, status.Errorf(codes.FailedPrecondition, "[%s] is in DESTROYED state.", r.GetName())
	}
	s.secrets[m[1]][n-1] = nil
	return &secretmanagerpb.SecretVersion{Name: r.GetName(), State: secretmanagerpb.SecretVersion_DESTROYED}, nil
}

// Kept returns how many versions of the secret with this id still hold a value.
func (s *Server) Kept(id string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := 0
	for name, versions := range s.secrets {
		for _, v := range versions {
			if strings.HasSuffix(name, "/secrets/"+id) && v != nil {
				kept++
			}
		}
	}
	return kept
}

// DeleteSecret implements the service.
func (s *Server) DeleteSecret(_ context.Context, r *secretmanagerpb.DeleteSecretRequest) (*emptypb.Empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.secrets[r.GetName()]; !ok {
		return nil, notFound(r.GetName())
	}
	delete(s.secrets, r.GetName())
	return &emptypb.Empty{}, nil
}

func notFound(name string) error {
	return status.Errorf(codes.NotFound, "[%s] not found or has no versions.", name)
}

func checksum(b []byte) int64 {
	return int64(crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
}
