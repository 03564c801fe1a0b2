package dovecottest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/sethvargo/go-retry"
)

// start runs Dovecot until it greets, on other ports where these are taken.
func (s *Server) start(ctx context.Context) error {
	if err := s.certify(); err != nil {
		return err
	}
	pace := retry.WithMaxRetries(3, retry.NewConstant(time.Millisecond))
	return retry.Do(ctx, pace, func(ctx context.Context) error {
		if err := s.launch(); err != nil {
			return err
		}
		if err := s.greets(ctx); err != nil {
			s.end()
			return retry.RetryableError(fmt.Errorf("dovecot did not start: %w\n%s", err, s.log()))
		}
		return nil
	})
}

func (s *Server) launch() (err error) {
	if s.plain, s.secure, err = freePorts(); err != nil {
		return err
	}
	for name, content := range map[string]string{"dovecot.conf": s.config(), "oauth2.conf.ext": s.oauth2()} {
		if err := os.WriteFile(s.path(name), []byte(content), 0o644); err != nil {
			return err
		}
	}
	log, err := os.OpenFile(s.path("log"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	s.cmd = exec.Command(program, "-F", "-c", s.path("dovecot.conf"))
	s.cmd.Stdout, s.cmd.Stderr, s.cmd.SysProcAttr = log, log, s.account.attributes()
	s.exited, s.ended = make(chan struct{}), &sync.Once{}
	started := make(chan error)
	go func() {
		defer close(s.exited)
		// It ends with the thread that started it, which must be there until then.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := s.cmd.Start()
		started <- err
		if err == nil {
			_ = s.cmd.Wait()
		}
	}()
	return <-started
}

// greets waits until this server, and no other on its port, greets.
func (s *Server) greets(ctx context.Context) error {
	pace := retry.WithMaxDuration(30*time.Second, retry.NewConstant(5*time.Millisecond))
	return retry.Do(ctx, pace, func(ctx context.Context) error {
		select {
		case <-s.exited:
			return errors.New("it ended")
		default:
		}
		conn, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", s.plain), time.Second)
		if err != nil {
			return retry.RetryableError(err)
		}
		defer conn.Close()
		_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
		lines := bufio.NewScanner(conn)
		for lines.Scan() {
			switch line := lines.Text(); {
			case strings.Contains(line, s.name):
				return nil
			case !strings.HasPrefix(line, "* OK Waiting"):
				return errors.New("it greets otherwise: " + line)
			}
		}
		return retry.RetryableError(errors.New("it does not greet"))
	})
}

// end kills all processes. To be asked to end takes Dovecot a second, and nothing of
// a test's is worth it.
func (s *Server) end() {
	s.ended.Do(func() { _ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL) })
	<-s.exited
}

func freePorts() (a, b int, err error) {
	first, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, 0, err
	}
	defer first.Close()
	second, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, 0, err
	}
	defer second.Close()
	return first.Addr().(*net.TCPAddr).Port, second.Addr().(*net.TCPAddr).Port, nil
}
