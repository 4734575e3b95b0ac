package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"os"
	osexec "os/exec"
	"path/filepath"
	"time"

	"k8s.io/client-go/rest"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// A certificate for the loopback that signs itself, in files as a certificate manager leaves them.
type identity struct{ certificate, key string }

func (i identity) renew(serial int64) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	about := &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "streaming"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	signed, err := x509.CreateCertificate(rand.Reader, about, about, &key.PublicKey, key)
	if err != nil {
		return err
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	return errors.Join(replace(i.key, "EC PRIVATE KEY", private), replace(i.certificate, "CERTIFICATE", signed))
}

func replace(file, kind string, bytes []byte) error {
	text := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: bytes})
	if err := os.WriteFile(file+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

func restartRuntime(flags ...string) error {
	for _, arguments := range [][]string{{"stop"}, append([]string{"start"}, flags...)} {
		if output, err := osexec.Command("runtime", arguments...).CombinedOutput(); err != nil {
			return fmt.Errorf("runtime %s: %w: %s", arguments[0], err, output)
		}
	}
	return nil
}

// The serial number of the certificate that a new connection gets.
func serialOf(u *url.URL, config *tls.Config) (int64, error) {
	connection, err := tls.Dial("tcp", u.Host, config)
	if err != nil {
		return 0, err
	}
	defer connection.Close()
	return connection.ConnectionState().PeerCertificates[0].SerialNumber.Int64(), nil
}

func testTLS(f *fixture, p protocol) error {
	folder, err := os.MkdirTemp("", "streaming-tls")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	i := identity{filepath.Join(folder, "tls.crt"), filepath.Join(folder, "tls.key")}
	if err := i.renew(1); err != nil {
		return err
	}
	if err := restartRuntime("--stream-tls-cert", i.certificate, "--stream-tls-key", i.key); err != nil {
		return err
	}
	if err := f.afterRestart(); err != nil {
		return err
	}
	f.config = rest.Config{TLSClientConfig: rest.TLSClientConfig{CAFile: i.certificate}}
	err = f.overTLS(p, i)
	f.config = rest.Config{}
	return errors.Join(err, restartRuntime(), f.afterRestart())
}

func (f *fixture) afterRestart() (err error) {
	if f.process, err = processOf(os.Getenv("DSD_TEST_STATE")); err == nil {
		f.server, err = f.forwardURL(f.pod)
	}
	return err
}

func (f *fixture) overTLS(p protocol, i identity) error {
	for _, test := range []func(*fixture, protocol) error{testExit, testPipe, testFlood, testTerminal, testForward} {
		if err := test(f, p); err != nil {
			return err
		}
	}
	u, err := f.execURL(&cri.ExecRequest{ContainerId: f.container, Cmd: []string{"true"}, Stdout: true})
	if err != nil {
		return err
	}
	if u.Scheme != "https" {
		return fmt.Errorf("%s is not https", u)
	}
	if _, err := serialOf(u, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11}); err == nil {
		return errors.New("TLS 1.1 is taken")
	}
	if err := i.renew(2); err != nil {
		return err
	}
	serial, err := serialOf(u, &tls.Config{InsecureSkipVerify: true})
	if err != nil || serial != 2 {
		return fmt.Errorf("certificate %d, %v: not the new one", serial, err)
	}
	return testExit(f, p)
}
