/* A libmodbus server on a port of the system's choice: holding register n holds 7 n, input register n 5 n,
   coil n is set where n is odd. Prints its port, serves one client after another until it is killed. */
#include <errno.h>
#include <modbus.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

int main(void) {
    modbus_mapping_t *map = modbus_mapping_new(200, 200, 500, 500);
    for (int n = 0; n < 500; n++) {
        map->tab_registers[n] = (uint16_t)(7 * n);
        map->tab_input_registers[n] = (uint16_t)(5 * n);
    }
    for (int n = 0; n < 200; n++) {
        map->tab_bits[n] = map->tab_input_bits[n] = n & 1;
    }
    modbus_t *context = modbus_new_tcp("127.0.0.1", 0);
    int listening = modbus_tcp_listen(context, 5);
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    if (listening < 0 || getsockname(listening, (struct sockaddr *)&address, &size)) {
        perror("listen");
        return 1;
    }
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    for (;;) {
        uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
        modbus_tcp_accept(context, &listening);
        for (;;) {
            int length = modbus_receive(context, query);
            if (length < 0) break;
            if (length > 0) modbus_reply(context, query, length, map);
        }
    }
}
