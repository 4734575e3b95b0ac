#include "shim/server/cri_server.h"

#include <grpcpp/grpcpp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <thread>
#include <utility>

#include "base/log.h"

namespace dockershimd::shim::server {
namespace {

using base::Fail;
using base::UniqueFd;

/// As kubelet sends and accepts at most.
constexpr int kMessageLimit = 16 << 20;

void LogPeer(int fd) {
  ucred peer{};
  socklen_t size = sizeof(peer);
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return;
  spdlog::debug("CRI client connected: pid {}, uid {}", peer.pid, peer.uid);
}

/// gRPC's own listener cannot be told a mode or a lock, and replaces the socket of a server that
/// is alive: connections are accepted here and handed over.
class Server final : public CriServer {
 public:
  explicit Server(ListeningSocket socket)
      : socket_(std::move(socket)), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

  ~Server() override { Shutdown(std::chrono::milliseconds(0)); }

  base::Status Start(const std::vector<grpc::Service*>& services) {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::ServerBuilder builder;
    builder.SetMaxReceiveMessageSize(kMessageLimit);
    builder.SetMaxSendMessageSize(kMessageLimit);
    for (auto* service : services) builder.RegisterService(service);
    poller_queue_ = builder.AddCompletionQueue();
    acceptor_ = builder.experimental().AddExternalConnectionAcceptor(
        grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD,
        grpc::InsecureServerCredentials());
    server_ = builder.BuildAndStart();
    if (!server_) return Fail(base::Code::kInternal, "the gRPC server cannot be started");
    polling_ = std::jthread([this] { Poll(); });
    accepting_ = std::jthread([this](const std::stop_token& stop) { Accept(stop); });
    return {};
  }

  void Shutdown(std::chrono::milliseconds grace) override {
    if (!server_) return;
    accepting_.request_stop();
    ::eventfd_write(wake_.Get(), 1);
    accepting_.join();
    server_->Shutdown(std::chrono::system_clock::now() + grace);
    poller_queue_->Shutdown();
    polling_.join();
    server_.reset();
  }

 private:
  void Accept(const std::stop_token& stop) {
    std::array<pollfd, 2> polled{pollfd{socket_.Fd(), POLLIN, 0}, pollfd{wake_.Get(), POLLIN, 0}};
    while (!stop.stop_requested()) {
      ::poll(polled.data(), polled.size(), -1);
      if (stop.stop_requested()) return;
      UniqueFd fd(::accept4(socket_.Fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (!fd) {
        PauseAfter(errno);
        continue;
      }
      LogPeer(fd.Get());
      grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters connection;
      connection.listener_fd = socket_.Fd();
      connection.fd = fd.Release();
      acceptor_->HandleNewConnection(&connection);
    }
  }

  /// Nothing comes out of this queue, but who waits on it reads the connections meanwhile. Without,
  /// only the two threads of gRPC's callback services do, and each of them sleeps 100 ms when a
  /// second has passed (gRPC 1.51, CallbackAlternativeCQ): about each second a call waited so long.
  void Poll() {
    void* tag = nullptr;
    bool ok = false;
    while (poller_queue_->Next(&tag, &ok)) {
    }
  }

  /// Out of descriptors, the socket stays readable: without a pause this thread would spin.
  static void PauseAfter(int error_number) {
    if (error_number != EMFILE && error_number != ENFILE && error_number != ENOMEM) return;
    spdlog::error("a CRI client cannot be served: {}",
                  base::ErrnoError(error_number, "accept").message);
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }

  ListeningSocket socket_;
  UniqueFd wake_;
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> acceptor_;
  std::unique_ptr<grpc::ServerCompletionQueue> poller_queue_;
  std::unique_ptr<grpc::Server> server_;
  std::jthread polling_;
  std::jthread accepting_;
};

}  // namespace

base::Result<std::unique_ptr<CriServer>> CriServer::Start(
    ListeningSocket socket, const std::vector<grpc::Service*>& services) {
  auto server = std::make_unique<Server>(std::move(socket));
  if (auto started = server->Start(services); !started) return Fail(started.error());
  return server;
}

}  // namespace dockershimd::shim::server
