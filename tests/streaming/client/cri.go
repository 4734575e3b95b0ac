package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"k8s.io/client-go/rest"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"
)

const image = "registry.k8s.io/e2e-test-images/busybox:1.29-2"

// A runtime with one pod of its own network and one of the host's, each with a container that sleeps.
type fixture struct {
	name      string
	process   process
	limit     time.Duration // for a session
	config    rest.Config   // of the streaming client
	server    *url.URL      // where sessions lead to
	runtime   cri.RuntimeServiceClient
	images    cri.ImageServiceClient
	pod       string
	hostPod   string
	container string
	podConfig *cri.PodSandboxConfig
}

// A runtime by its name, with its endpoint and the folder in which its pid is.
func newFixture(name, endpoint, state string) (*fixture, error) {
	connection, err := grpc.NewClient(endpoint, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.WaitForReady(true)))
	if err != nil {
		return nil, err
	}
	f := &fixture{name: name, limit: 5 * time.Minute,
		runtime: cri.NewRuntimeServiceClient(connection), images: cri.NewImageServiceClient(connection)}
	if f.process, err = processOf(state); err != nil {
		return nil, err
	}
	_, err = f.images.PullImage(context.Background(), &cri.PullImageRequest{Image: &cri.ImageSpec{Image: image}})
	if err != nil {
		return nil, err
	}
	if f.pod, f.podConfig, err = f.runPod("own", cri.NamespaceMode_POD); err != nil {
		return f, err
	}
	if f.hostPod, _, err = f.runPod("host", cri.NamespaceMode_NODE); err != nil {
		return f, err
	}
	f.container, err = f.runContainer(&cri.ContainerConfig{
		Metadata: &cri.ContainerMetadata{Name: "sleeper"}, Command: []string{"sleep", "1000000"}})
	if err != nil {
		return f, err
	}
	f.server, err = f.forwardURL(f.pod)
	return f, err
}

func (f *fixture) runPod(name string, network cri.NamespaceMode) (string, *cri.PodSandboxConfig, error) {
	config := &cri.PodSandboxConfig{
		Metadata: &cri.PodSandboxMetadata{Name: name, Uid: name, Namespace: "streaming"},
		Linux: &cri.LinuxPodSandboxConfig{SecurityContext: &cri.LinuxSandboxSecurityContext{
			NamespaceOptions: &cri.NamespaceOption{Network: network}}},
	}
	response, err := f.runtime.RunPodSandbox(context.Background(), &cri.RunPodSandboxRequest{Config: config})
	return response.GetPodSandboxId(), config, err
}

func (f *fixture) runContainer(config *cri.ContainerConfig) (string, error) {
	config.Image = &cri.ImageSpec{Image: image}
	config.Linux = &cri.LinuxContainerConfig{}
	created, err := f.runtime.CreateContainer(context.Background(), &cri.CreateContainerRequest{
		PodSandboxId: f.pod, Config: config, SandboxConfig: f.podConfig})
	if err != nil {
		return "", err
	}
	_, err = f.runtime.StartContainer(context.Background(),
		&cri.StartContainerRequest{ContainerId: created.ContainerId})
	return created.ContainerId, err
}

func (f *fixture) close() {
	for _, pod := range []string{f.pod, f.hostPod} {
		if pod == "" {
			continue
		}
		_, _ = f.runtime.StopPodSandbox(context.Background(), &cri.StopPodSandboxRequest{PodSandboxId: pod})
		_, _ = f.runtime.RemovePodSandbox(context.Background(), &cri.RemovePodSandboxRequest{PodSandboxId: pod})
	}
}

func (f *fixture) execURL(request *cri.ExecRequest) (*url.URL, error) {
	response, err := f.runtime.Exec(context.Background(), request)
	if err != nil {
		return nil, err
	}
	return url.Parse(response.Url)
}

func (f *fixture) attachURL(request *cri.AttachRequest) (*url.URL, error) {
	response, err := f.runtime.Attach(context.Background(), request)
	if err != nil {
		return nil, err
	}
	return url.Parse(response.Url)
}

func (f *fixture) forwardURL(pod string) (*url.URL, error) {
	response, err := f.runtime.PortForward(context.Background(), &cri.PortForwardRequest{PodSandboxId: pod})
	if err != nil {
		return nil, err
	}
	return url.Parse(response.Url)
}

func (f *fixture) waitForExit(container string) error {
	for i := 0; i < 200; i++ {
		status, err := f.runtime.ContainerStatus(context.Background(),
			&cri.ContainerStatusRequest{ContainerId: container})
		if err != nil {
			return err
		}
		if status.Status.State == cri.ContainerState_CONTAINER_EXITED {
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return fmt.Errorf("container %s still runs", container)
}

func docker() *http.Client {
	return &http.Client{Transport: &http.Transport{
		DialContext: func(context.Context, string, string) (net.Conn, error) {
			return net.Dial("unix", os.Getenv("DSD_TEST_DOCKER_SOCKET"))
		}}}
}

// Runs a command and reads its output straight from Docker: what a benchmark compares with.
func (f *fixture) rawExec(command []string, output io.Writer) error {
	body, _ := json.Marshal(map[string]any{"AttachStdout": true, "Cmd": command})
	response, err := docker().Post("http://docker/containers/"+f.container+"/exec", "application/json",
		bytes.NewReader(body))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	var created struct{ Id string }
	if err := json.NewDecoder(response.Body).Decode(&created); err != nil {
		return err
	}
	started, err := docker().Post("http://docker/exec/"+created.Id+"/start", "application/json",
		strings.NewReader(`{"Detach":false,"Tty":false}`))
	if err != nil {
		return err
	}
	defer started.Body.Close()
	_, err = io.CopyBuffer(struct{ io.Writer }{output}, started.Body, make([]byte, 64<<10))
	return err
}

// The host pid of a sandbox: from Docker, or from what the runtime tells crictl.
func (f *fixture) pidOf(pod string) (int, error) {
	if f.name == "containerd" {
		response, err := f.runtime.PodSandboxStatus(context.Background(),
			&cri.PodSandboxStatusRequest{PodSandboxId: pod, Verbose: true})
		if err != nil {
			return 0, err
		}
		var info struct{ Pid int }
		err = json.Unmarshal([]byte(response.Info["info"]), &info)
		return info.Pid, err
	}
	response, err := docker().Get("http://docker/containers/" + pod + "/json")
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	var details struct{ State struct{ Pid int } }
	err = json.NewDecoder(response.Body).Decode(&details)
	return details.State.Pid, err
}

// Listens on the loopback of the pod's network and serves each connection.
func (f *fixture) listenIn(pod string, serve func(*net.TCPConn)) (int, error) {
	pid, err := f.pidOf(pod)
	if err != nil {
		return 0, err
	}
	result := make(chan error)
	var listener net.Listener
	go func() {
		// This thread is of no use to anybody else afterwards: it ends with the goroutine.
		runtime.LockOSThread()
		netns, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", pid))
		if err == nil {
			err = unix.Setns(int(netns.Fd()), unix.CLONE_NEWNET)
		}
		if err == nil {
			listener, err = net.Listen("tcp4", "127.0.0.1:0")
		}
		result <- err
	}()
	if err := <-result; err != nil {
		return 0, err
	}
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go serve(connection.(*net.TCPConn))
		}
	}()
	return listener.Addr().(*net.TCPAddr).Port, nil
}
