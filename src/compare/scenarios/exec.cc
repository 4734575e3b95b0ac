// Commands in running containers, as probes and kubectl exec use them.
#include "compare/scenario.h"

namespace dockershimd::compare {
namespace {

void Sync(Session& s) {
  const auto pod = s.RunPod(s.PodConfig("exec"));
  const auto id = s.Run(pod, s.Sleeper("main"));
  const auto answer =
      s.Need("ExecSync", s.TryExec(id, {"sh", "-c", "echo out; echo err >&2; exit 3"}));
  s.Record("both streams and a code", answer);
  const auto silent = s.Need("ExecSync", s.TryExec(id, {"true"}));
  s.Record("nothing", silent);
  const auto large =
      s.Need("ExecSync", s.TryExec(id, {"sh", "-c", "head -c 1000000 /dev/zero | tr '\\0' x"}));
  s.Verify("a megabyte arrives whole", large.stdout() == std::string(1000000, 'x'),
           std::to_string(large.stdout().size()) + " bytes");
  const auto bytes = s.Need("ExecSync", s.TryExec(id, {"printf", "\\377\\000\\001"}));
  s.Verify("bytes that are no text arrive as they are",
           bytes.stdout() == std::string("\xff\x00\x01", 3));
  s.Observe("standard input", s.Output(id, "cat | wc -c"));
}

void Context(Session& s) {
  const auto pod = s.RunPod(s.PodConfig("context"));
  auto config = s.Sleeper("main");
  config.set_working_dir("/tmp");
  config.mutable_linux()->mutable_security_context()->mutable_run_as_user()->set_value(1000);
  auto* variable = config.add_envs();
  variable->set_key("GREETING");
  variable->set_value("hello");
  const auto id = s.Run(pod, config);
  s.Observe("user", s.Output(id, "id -u"));
  s.Observe("folder", s.Output(id, "pwd"));
  s.Observe("variable", s.Output(id, "echo $GREETING"));
}

void Failures(Session& s) {
  const auto pod = s.RunPod(s.PodConfig("failures"));
  const auto id = s.Run(pod, s.Sleeper("main"));
  s.ObserveCode("a command that is not there", s.TryExec(id, {"/not/there"}));
  s.ObserveCode("no command", s.TryExec(id, {}));
  const auto begin = std::chrono::steady_clock::now();
  const auto late = s.TryExec(id, {"sleep", "30"}, std::chrono::seconds(1));
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  s.ObserveCode("a command that takes too long", late);
  s.Verify("the timeout is kept", took.count() < 15, std::to_string(took.count()) + " s");
  s.Verify("what took too long is killed", s.WaitUntil([&] {
    return s.Output(id, "pgrep -x sleep -a 2>/dev/null | grep -c 'sleep 30'; true") == "0";
  }));
  s.Stop(id);
  s.ObserveCode("in a container that has ended", s.TryExec(id, {"true"}));
}

void Streaming(Session& s) {
  const auto pod = s.RunPod(s.PodConfig("streaming"));
  const auto id = s.Run(pod, s.Sleeper("main"));
  const auto is_url = [](const std::string& url) {
    return url.starts_with("http://") || url.starts_with("https://");
  };
  cri::ExecRequest exec;
  exec.set_container_id(id);
  exec.add_cmd("true");
  exec.set_stdout(true);
  const auto exec_url = s.Ask("Exec", &Runtime::Exec, exec).url();
  s.Verify("Exec answers with a URL", is_url(exec_url), exec_url);
  cri::AttachRequest attach;
  attach.set_container_id(id);
  attach.set_stdout(true);
  const auto attach_url = s.Ask("Attach", &Runtime::Attach, attach).url();
  s.Verify("Attach answers with a URL", is_url(attach_url), attach_url);
  cri::PortForwardRequest forward;
  forward.set_pod_sandbox_id(pod.id);
  forward.add_port(80);
  const auto forward_url = s.Ask("PortForward", &Runtime::PortForward, forward).url();
  s.Verify("PortForward answers with a URL", is_url(forward_url), forward_url);
  exec.set_tty(true);
  exec.set_stderr(true);
  s.ObserveCode("a terminal with a standard error of its own", s.Try(&Runtime::Exec, exec));
  exec.set_stdout(false);
  exec.set_stderr(false);
  exec.set_tty(false);
  s.ObserveCode("no stream at all", s.Try(&Runtime::Exec, exec));
  s.Stop(id);
  attach.set_container_id(id);
  s.ObserveCode("Attach to a container that has ended", s.Try(&Runtime::Attach, attach));
}

constexpr Scenario kScenarios[] = {
    {"exec/sync", "output, exit code and input of ExecSync", Sync},
    {"exec/context", "user, folder and variables of an exec", Context},
    {"exec/failures", "commands that fail or take too long", Failures},
    {"exec/streaming", "what Exec, Attach and PortForward answer", Streaming},
};

}  // namespace

std::span<const Scenario> ExecScenarios() { return kScenarios; }

}  // namespace dockershimd::compare
