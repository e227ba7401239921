#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Stands in for QEMU in the runner's tests: answers its questions about the device and then, as
# FAKE says, plays a host on its console. FAKE_PID names a file for the process id.

case "$*" in
*nosuch,help*)
    echo "fake: Device 'nosuch' not found" >&2
    exit 1
    ;;
*usb-thing,help*)
    echo "usb-thing options:"
    exit 0
    ;;
*,help*)
    echo "device options:"
    echo "  addr=<int32>           - Slot"
    echo "  netdev=<str>           - ID of a netdev to use as a backend"
    echo "  romfile=<str>"
    exit 0
    ;;
*-qmp*)
    echo '{"QMP": {"version": {}, "capabilities": []}}'
    address=
    while read -r line; do
        case "$line" in
        *query-pci*)
            echo '{"event": "SOMETHING"}'
            echo '{"return": [{"bus": 0, "devices": [{"qdev_id": "", "bus": 0, "slot": 0, "function": 0}, {"qdev_id": "dut", "bus": 0, "slot": 4, "function": 0}]}]}'
            ;;
        *"o /w 0xcf8 "*)
            address=${line#*0xcf8 }
            address=${address%%\"*}
            echo '{"return": ""}'
            ;;
        *"i /w 0xcfc"*)
            case "$address" in
            0x80002000) value=0x10d38086 ;;
            0x80002008) value=0x02000000 ;;
            0x8000202c) value=0x00008086 ;;
            *) value=0xffffffff ;;
            esac
            echo "{\"return\": \"portl[0x0cfc] = $value\\r\\n\"}"
            ;;
        *) echo '{"return": {}}' ;;
        esac
    done
    exit 0
    ;;
esac

[ -z "$FAKE_PID" ] || echo $$ >"$FAKE_PID"
config=$(printf '%s\n' "$@" | sed -n 's/.*config.json,file=//p')

step() { echo "@{\"type\":\"step\",\"what\":\"$1\"}"; }
violation() {
    echo '@{"type":"violation","rule":"X-26","what":"IRQL 5 at return","where":"MiniportInterrupt"}'
}
# report RESULT AT_HALT VIOLATIONS TRAFFIC
report() {
    printf '%s' '@{"type":"report","result":"'"$1"'","reason":"","seconds":0,"seed":1,'
    printf '%s' '"driver":{"image":"x.sys","size":1,"base":"0x1","imports":1,"ndis_version":"6.87"},'
    printf '%s' '"interrupt":{"granted":"msix","messages":5,"vectors":[]},'
    printf '%s' '"link":{"up":true,"speed_mbps":1000,"duplex":"full"},'
    printf '%s' '"traffic":{'"$4"'"ping_rtt_us_median":1,"rx_frames":1,"tx_frames":1},'
    printf '%s' '"mmio":{"isr_reads":0,"isr_writes":0,"dpc_reads":0,"dpc_writes":0,"send_writes":0,"other_reads":0,"other_writes":0},'
    printf '%s' '"iommu":{"on":true,"faults":0,"mapped_peak":1},'
    printf '%s' '"verifier":{"rules":100,"checks":1000,"violations":['"$3"']},'
    echo '"ledger":{"at_halt":'"$2"',"at_unload":0}}'
}
quiet='"dhcp_address":"","ping_sent":0,"ping_received":0,"tcp_bytes_down":0,"tcp_bytes_up":0,"sha256_ok":false,'

echo "booting"
step "load"
case "$FAKE" in
ok) report ok 0 "" "$quiet" ;;
linger)
    report ok 0 "" "$quiet"
    exec sleep 1000
    ;;
violation)
    violation
    report failed 0 '{"rule":"X-26","what":"IRQL 5 at return","where":"MiniportInterrupt"}' "$quiet"
    ;;
unreported)
    # The stream has a violation that the report does not.
    violation
    report ok 0 "" "$quiet"
    ;;
leak) report ok 3 "" "$quiet" ;;
fatal) echo '@{"type":"fatal","what":"x.sys: import ndis.sys!NdisNoSuchThing is not there"}' ;;
hang)
    step "initialise"
    exec sleep 1000
    ;;
violation-hang)
    violation
    step "halt"
    exec sleep 1000
    ;;
crash)
    step "initialise"
    exit 0
    ;;
error)
    echo "fake: cannot load kernel" >&2
    exit 1
    ;;
garbage)
    echo '@{"type":"violation","rule":17'
    report ok 0 "" "$quiet"
    ;;
binary)
    printf 'a\377\0b\n'
    head -c 3000000 /dev/zero
    echo
    report ok 0 "" "$quiet"
    ;;
traffic | lying)
    port=$(sed -n 's/.*"server_port": *\([0-9]*\).*/\1/p' "$config")
    bytes=$(sed -n 's/.*"bytes_down": *\([0-9]*\).*/\1/p' "$config")
    if [ "$FAKE" = traffic ]; then
        step "transfer"
        work=$(mktemp -d)
        exec 3<>"/dev/tcp/127.0.0.1/$port"
        echo "DOWN $bytes" >&3
        head -c "$bytes" <&3 >"$work/down"
        digest=$(sha256sum <"$work/down")
        [ "$(cat <&3)" = "${digest%% *}" ] || exit 1
        exec 3<>"/dev/tcp/127.0.0.1/$port"
        { echo "UP $bytes"; cat "$work/down"; } >&3
        [ "$(cat <&3)" = "${digest%% *}" ] || exit 1
        exec 3>&-
        rm -r "$work"
    fi
    report ok 0 "" '"dhcp_address":"10.0.2.15","ping_sent":4,"ping_received":4,"tcp_bytes_down":'"$bytes"',"tcp_bytes_up":'"$bytes"',"sha256_ok":true,'
    ;;
*) exit 99 ;;
esac
exit 1
