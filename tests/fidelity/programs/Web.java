import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Executors;

/** nio|socket HOST PORT FILE: serves the file, through selectors or a thread that blocks. fetch URL...: says what came. */
class Web {
    static void nio(InetSocketAddress place, byte[] data) throws IOException {
        HttpServer server = HttpServer.create(place, 50);
        server.setExecutor(Executors.newFixedThreadPool(4));
        server.createContext("/", exchange -> {
            exchange.sendResponseHeaders(200, data.length);
            try (OutputStream body = exchange.getResponseBody()) {
                body.write(data);
            }
        });
        server.start();
    }

    static void socket(InetSocketAddress place, byte[] data) throws IOException {
        ServerSocket server = new ServerSocket(place.getPort(), 50, place.getAddress());
        for (;;) {
            Socket peer = server.accept();
            new Thread(() -> {
                try (peer) {
                    StringBuilder asked = new StringBuilder();
                    while (asked.indexOf("\r\n\r\n") < 0) {
                        int octet = peer.getInputStream().read();
                        if (octet < 0)
                            return;
                        asked.append((char) octet);
                    }
                    OutputStream answer = peer.getOutputStream();
                    answer.write(("HTTP/1.0 200 OK\r\nContent-Length: " + data.length + "\r\n\r\n").getBytes());
                    answer.write(data);
                } catch (IOException error) {
                    System.out.println(error);
                }
            }).start();
        }
    }

    public static void main(String[] words) throws Exception {
        try {
            if (words[0].equals("fetch")) {
                for (int at = 1; at < words.length; at++)
                    fetch(words[at]);
                return;
            }
            InetSocketAddress place = new InetSocketAddress(InetAddress.getByName(words[1]), Integer.parseInt(words[2]));
            byte[] data = Files.readAllBytes(Path.of(words[3]));
            if (words[0].equals("nio"))
                nio(place, data);
            else
                socket(place, data);
        } catch (IOException error) {
            System.out.println(error);
            System.exit(1);
        }
    }

    static void fetch(String url) throws InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(URI.create(url)).version(HttpClient.Version.HTTP_1_1).build();
        try {
            HttpClient client = HttpClient.newHttpClient();
            System.out.println(client.send(request, HttpResponse.BodyHandlers.ofByteArray()).body().length);
        } catch (IOException error) {
            Throwable cause = error;
            while (cause.getCause() != null)
                cause = cause.getCause();
            System.out.println(cause);
        }
    }
}
