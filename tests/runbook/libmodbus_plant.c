// A plant by libmodbus: one mapping for all units, one client at a time. Prints its port, then serves.
#include <errno.h>
#include <modbus.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

int main(void) {
    modbus_t *ctx = modbus_new_tcp("127.0.0.1", 1502);
    modbus_mapping_t *map = modbus_mapping_new(64, 64, 128, 128);
    int server = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = 0};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    if (ctx == NULL || map == NULL || bind(server, (struct sockaddr *)&at, sizeof at) != 0 || listen(server, 8) != 0)
        return 1;
    getsockname(server, (struct sockaddr *)&at, &size);
    printf("%d\n", ntohs(at.sin_port));
    fflush(stdout);
    for (;;) {
        uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
        int client = accept(server, NULL, NULL);
        if (client < 0)
            return 1;
        modbus_set_socket(ctx, client);
        for (;;) {
            int got = modbus_receive(ctx, query);
            if (got < 0)
                break;
            if (got > 0)
                modbus_reply(ctx, query, got, map);
        }
        close(client);
    }
}
