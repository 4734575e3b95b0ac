#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/unique_fd.h"

struct ssl_st;
struct z_stream_s;

namespace dockershimd::testsupport {

/// A blocking client of the streaming server, with TLS where the URL says so, whatever the server's
/// certificate. Waits at most 20 s for anything.
class RawClient {
 public:
  /// Connects to the server of this URL.
  explicit RawClient(const std::string& url);
  ~RawClient();
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  void Send(const std::string& bytes);
  /// Sends a request to the URL's path and reads the head of the answer.
  std::string Request(const std::string& method, const std::string& fields);
  [[nodiscard]] std::string Read(std::size_t count);
  [[nodiscard]] std::string ReadToEnd();
  void ShutDown();
  void Close() { fd_.Reset(); }
  /// Of the server's certificate; empty without TLS.
  [[nodiscard]] std::string CommonName() const;
  [[nodiscard]] int Fd() const { return fd_.Get(); }

 private:
  std::string path_;
  base::UniqueFd fd_;
  std::unique_ptr<ssl_st, void (*)(ssl_st*)> tls_;
};

/// SPDY as client-go speaks it.
class SpdyClient {
 public:
  struct Frame {
    int type = 0;  ///< 0: DATA
    unsigned stream = 0;
    unsigned flags = 0;
    std::string body;
    bool end = false;  ///< no frame: the connection has ended
  };

  /// Upgrades with this protocol; Answer() is the server's head.
  SpdyClient(const std::string& url, const std::string& protocol);
  ~SpdyClient();
  SpdyClient(const SpdyClient&) = delete;
  SpdyClient& operator=(const SpdyClient&) = delete;

  [[nodiscard]] const std::string& Answer() const { return answer_; }
  [[nodiscard]] RawClient& Raw() { return raw_; }

  /// Opens a stream and reads up to its reply. Returns the id.
  unsigned Open(const std::vector<std::pair<std::string, std::string>>& headers);
  unsigned Open(const std::string& type) { return Open({{"streamtype", type}}); }
  /// Only the frame's bytes.
  [[nodiscard]] std::string SynStream(
      unsigned stream, const std::vector<std::pair<std::string, std::string>>& headers);
  void Data(unsigned stream, const std::string& bytes, bool fin = false);
  void Reset(unsigned stream);
  void Ping(unsigned id);
  [[nodiscard]] Frame Next();

  /// All that comes until the connection ends.
  struct Rest {
    std::map<unsigned, std::string> data;
    std::vector<std::string>
        events;  ///< "fin 3", "rst 5", "goaway 7", "ping 1", "reply 9", in order
  };
  [[nodiscard]] Rest ReadRest();

 private:
  RawClient raw_;
  std::string answer_;
  std::unique_ptr<z_stream_s> deflater_;
  unsigned next_stream_ = 1;
};

/// A WebSocket client.
class WebSocketClient {
 public:
  WebSocketClient(const std::string& url, const std::string& protocol);

  [[nodiscard]] const std::string& Answer() const { return answer_; }
  [[nodiscard]] RawClient& Raw() { return raw_; }
  void Send(int opcode, const std::string& payload);
  void SendBinary(const std::string& payload) { Send(2, payload); }
  /// Opcode and payload; -1 at the end of the connection.
  [[nodiscard]] std::pair<int, std::string> Next();
  /// The payloads of all messages by their first byte, until the connection ends.
  [[nodiscard]] std::map<char, std::string> ReadRest();

 private:
  RawClient raw_;
  std::string answer_;
};

}  // namespace dockershimd::testsupport
