# What a tenant's backend may send that is no HTTP, or that two parsers could
# read in two ways.  A row: what it is; the RFC and section that says so, or 7.5
# of 7-security.md; what the backend does; what must come of it:
#
#   502, 504   that answer, which is ours
#   'cut'      the client sees no clean end of a message (a reset that destroys
#              the head before it is read makes it a 502)
#   'whole'    the client gets the answer up to where it ends: body "ok"
#   'a|b'      any of these: what a reset destroys on its way is not told
#
# and then what differs from a GET of HTTP/1.1: method, minor, request (more of
# its fields), at (BothEnds).  In no case is the backend's connection used again.
package HostileResponses;
use v5.26;
use warnings;

use BothEnds;

my $OK   = "HTTP/1.1 200 OK\r\n";
my $CL   = "Content-Length: 2\r\n";
my $TE   = "Transfer-Encoding: chunked\r\n";
my $END  = "\r\n";
my $EVIL = "HTTP/1.1 200 OK\r\nX-Evil: 1\r\nContent-Length: 4\r\n\r\nevil";

sub status { return ["HTTP/1.1 $_[0]\r\n$CL${END}ok"] }
sub with   { return ["$OK$_[0]\r\n$CL${END}ok"] }             # a field more
sub length_of { return ["${OK}Content-Length:$_[0]\r\n${END}ok"] }
sub chunks { return ["$OK$TE$END$_[0]"] }
sub coding { return ["${OK}Transfer-Encoding:$_[0]\r\n${END}2\r\nok\r\n0\r\n\r\n"] }

our @CASES = (
    # --- it is no HTTP
    ['HTTP/0.9: a bare body',       '9112 2.3', ['<html>ok</html>', CLOSE], 502],
    ['nothing, and closes',         '9112 2.3', [CLOSE], 502],
    ['nothing, and resets',         '9112 2.3', [RESET], 502],
    ['closes before the request',   '9112 2.3', [CLOSE], 502, at => 'accept'],
    ['an SSH server',               '9112 2.3', ["SSH-2.0-OpenSSH_9.2\r\n"], 502],
    ['an SSH server that is quick', '9112 2.3', ["SSH-2.0-OpenSSH_9.2\r\n"], 502, at => 'accept'],
    ['an SMTP server',              '9112 2.3', ["220 mail ready\r\n"], 502],
    ['a Redis server',              '9112 2.3', ["-ERR wrong number of arguments\r\n"], 502],
    ['a TLS alert',                 '9112 2.3', ["\x15\x03\x01\x00\x02\x02\x0a", CLOSE], 502],
    ['frames of HTTP/2',            '9113 3.4', ["\0\0\x12\x04\0\0\0\0\0"], 502],
    ['zeros',                       '9112 2.3', ["\0" x 5000], 502],
    ['noise',                       '9112 2.3', [join '', map { chr 255 - $_ % 251 } 1 .. 5000], 502],
    ['a request',                   '9112 2.3', ["GET / HTTP/1.1\r\n$END"], 502],
    ['Status: 200',                 '3875 6.3', ["Status: 200 OK\r\n$CL${END}ok"], 502],

    # --- the status line
    ['HTTP/2.0',                    '9112 2.3', ["HTTP/2.0 200 OK\r\n$CL${END}ok"], 502],
    ['HTTP/1.2',                    '9112 2.3', ["HTTP/1.2 200 OK\r\n$CL${END}ok"], 502],
    ['HTTP/0.9',                    '9112 2.3', ["HTTP/0.9 200 OK\r\n$CL${END}ok"], 502],
    ['http/1.1 in small letters',   '9112 2.3', ["http/1.1 200 OK\r\n$CL${END}ok"], 502],
    ['ICY',                         '9112 2.3', ["ICY 200 OK\r\n$CL${END}ok"], 502],
    ['a blank first',               '9112 4',   [" $OK$CL${END}ok"], 502],
    ['an empty line first',         '9112 4',   ["\r\n$OK$CL${END}ok"], 502],
    ['no status',                   '9112 4',   ["HTTP/1.1\r\n$CL${END}ok"], 502],
    ['a status of two digits',      '9112 4',   status('20 OK'), 502],
    ['a status of four digits',     '9112 4',   status('2000 OK'), 502],
    ['a status of four, 0 first',   '9112 4',   status('0200 OK'), 502],
    ['a status with a sign',        '9112 4',   status('+200 OK'), 502],
    ['a negative status',           '9112 4',   status('-200 OK'), 502],
    ['a status with a point',       '9112 4',   status('200.1 OK'), 502],
    ['a status in hex',             '9112 4',   status('0xc8 OK'), 502],
    ['a word for the status',       '9112 4',   status('OK'), 502],
    ['status 0',                    '9110 15',  status('000 OK'), 502],
    ['status 99',                   '9110 15',  status('099 OK'), 502],
    ['status 600',                  '9110 15',  status('600 Odd'), 502],
    ['status 999',                  '9110 15',  status('999 Odd'), 502],
    ['two blanks',                  '9112 4',   status(' 200 OK'), 502],
    ['a letter behind the status',  '9112 4',   status('200OK'), 502],
    ['a NUL in the reason',         '9112 4',   status("200 O\0K"), 502],
    ['an ESC in the reason',        '9112 4',   status("200 \x1b[31mOK"), 502],
    ['a bare CR in the reason',     '9112 2.2', status("200 O\rX: y"), 502],
    ['a bare LF in the reason',     '9112 2.2', status("200 O\nX: y"), 502],
    ['a reason without end',        '7.5, 9112 4', ['HTTP/1.1 200 ' . 'a' x 100_000], 502],
    ['all lines end with LF',       '9112 2.2', ["HTTP/1.1 200 OK\nContent-Length: 2\n\nok"], 502],

    # --- fields
    ['a blank before the colon',    '9112 5.1', with('X : y'), 502],
    ['CL, a blank before the colon','9112 5.1', ["${OK}Content-Length : 2\r\n${END}ok"], 502],
    ['an empty name',               '9112 5',   with(': y'), 502],
    ['no colon',                    '9112 5',   with('X'), 502],
    ['a second status line',        '9112 5',   ["$OK$OK$CL${END}ok"], 502],
    ['a body where fields are due', '9112 5',   ["$OK<html>ok</html>", CLOSE], 502],
    ['a folded line',               '9112 5.2', with("X: a\r\n b"), 502],
    ['a blank before the first',    '9112 5.2', with(' X: a'), 502],
    ['a name with a high byte',     '9112 5',   with("X\xe9: a"), 502],
    ['a bare CR in a value',        '9112 2.2', with("Location: /\rSet-Cookie: a=b"), 502],
    ['a bare LF in a value',        '9112 2.2', with("Location: /\nSet-Cookie: a=b"), 502],
    ['a field ends with LF',        '9112 2.2', with("X: a\nY: b"), 502],
    ['the empty line is LF',        '9112 2.2', ["$OK$CL\nok"], 502],
    (map { [sprintf('0x%02x in a value', $_), '9110 5.5', with('X: a' . chr($_) . 'b'), 502] }
        0, 1, 7, 8, 11, 12, 27, 31, 127),
    ['129 fields',                  '7.5',      with(join "\r\n", ('X: y') x 128), 502],
    ['10^5 fields',                 '7.5',      with(join "\r\n", ('X: y') x 100_000), 502],
    ['a field of 40,000 bytes',     '7.5',      with('X: ' . 'a' x 40_000), 502],
    ['a head of 40,000 bytes',      '7.5',      with(join "\r\n", map { "X$_: " . 'a' x 1000 } 1 .. 40), 502],
    ['a value without end',         '7.5',      ["${OK}X: " . 'a' x 1_000_000], 502],
    ['a head without end',          '7.5',      [$OK . join '', map { "X$_: " . 'a' x 1000 . "\r\n" } 1 .. 100], 502],

    # --- how long is it?
    ['two lengths, unlike',         '9112 6.3', ["${OK}${CL}Content-Length: 4\r\n${END}okok"], 502],
    ['two lengths, alike',          '9112 6.3', ["${OK}$CL$CL${END}ok"], 502],
    ['a list of lengths',           '9112 6.3', length_of(' 2, 2'), 502],
    ['CL empty',                    '9110 8.6', length_of(''), 502],
    ['CL +2',                       '9110 8.6', length_of(' +2'), 502],
    ['CL -2',                       '9110 8.6', length_of(' -2'), 502],
    ['CL 0x2',                      '9110 8.6', length_of(' 0x2'), 502],
    ['CL 2.0',                      '9110 8.6', length_of(' 2.0'), 502],
    ['CL two',                      '9110 8.6', length_of(' two'), 502],
    ['CL 2^63',                     '9110 8.6', length_of(' 9223372036854775808'), 502],
    ['CL 2^64 + 2',                 '9110 8.6', length_of(' 18446744073709551618'), 502],
    ['CL with TE',                  '9112 6.1', ["$OK$CL$TE${END}2\r\nok\r\n0\r\n\r\n"], 502],
    ['TE in HTTP/1.0',              '9112 6.1', ["HTTP/1.0 200 OK\r\n$TE${END}2\r\nok\r\n0\r\n\r\n"], 502],
    ['TE: gzip',                    '9112 6.1', coding(' gzip'), 502],
    ['TE: gzip, chunked',           '9112 6.1', coding(' gzip, chunked'), 502],
    ['TE: identity',                '9112 6.1', coding(' identity'), 502],
    ['TE: chunked, chunked',        '9112 6.1', coding(' chunked, chunked'), 502],
    ['TE: xchunked',                '9112 7',   coding(' xchunked'), 502],
    ['TE: empty',                   '9112 6.1', coding(''), 502],
    ['TE twice',                    '9112 6.1', ["$OK$TE$TE${END}2\r\nok\r\n0\r\n\r\n"], 502],
    ['204 with a length',           '9112 6.3', ["HTTP/1.1 204 No Content\r\n$CL${END}ok"], 502],
    ['204 with TE',                 '9112 6.1', ["HTTP/1.1 204 No Content\r\n$TE${END}2\r\nok\r\n0\r\n\r\n"], 502],
    ['100 with a length',           '9112 6.3', ["HTTP/1.1 100 Continue\r\n$CL${END}ok$OK$CL${END}ok"], 502],
    ['103 with TE',                 '9112 6.1', ["HTTP/1.1 103 Early Hints\r\n$TE${END}0\r\n\r\n$OK$CL${END}ok"], 502],

    # --- interim responses
    ['101 unasked',                 '9110 15.2.2', ["HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n$END$EVIL"], 502],
    ['101 to what was not asked',   '9110 7.8', ["HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n$END"], 502,
        request => "Connection: upgrade\r\nUpgrade: websocket\r\n"],
    ['101 without Upgrade',         '9110 15.2.2', ["HTTP/1.1 101 Switching Protocols\r\n$END"], 502,
        request => "Connection: upgrade\r\nUpgrade: websocket\r\n"],
    ['101 to HTTP/1.0',             '9110 7.8', ["HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n$END"], 502,
        minor => 0, request => "Connection: upgrade\r\nUpgrade: websocket\r\n"],
    ['9 interim responses',         '7.5, 9110 15.2', ["HTTP/1.1 103 Early Hints\r\n$END" x 9 . "$OK$CL${END}ok"], 502],
    ['20,000 interim responses',    '7.5, 9110 15.2', ["HTTP/1.1 100 Continue\r\n$END" x 20_000 . "$OK$CL${END}ok"], 502],
    ['100, then nothing',           '9110 15.2', ["HTTP/1.1 100 Continue\r\n$END", CLOSE], 502],
    ['100, then nonsense',          '9110 15.2', ["HTTP/1.1 100 Continue\r\n${END}what?\r\n\r\n"], 502],

    # --- the end comes early
    ['closes in the status line',   '9112 8',   ['HTTP/1.1 2', CLOSE], 502],
    ['resets in the status line',   '9112 8',   ['HTTP/1.1 2', RESET], 502],
    ['closes in a field',           '9112 8',   ["${OK}X: y", CLOSE], 502],
    ['resets in a field',           '9112 8',   ["${OK}X: y", RESET], 502],
    ['closes before the empty line','9112 8',   ["$OK$CL", CLOSE], 502],
    ['closes in the empty line',    '9112 8',   ["$OK$CL\r", CLOSE], 502],
    ['CL, no body, closes',         '9112 8',   ["${OK}Content-Length: 10\r\n$END", CLOSE], 'cut'],
    ['CL, a part, closes',          '9112 8',   ["${OK}Content-Length: 10\r\n${END}ok", CLOSE], 'cut'],
    ['CL, a head and no more',      '9112 8',   ["${OK}Content-Length: 10\r\n${END}", CLOSE], 'cut'],
    ['CL, a part, resets',          '9112 8',   ["${OK}Content-Length: 10\r\n${END}ok", RESET], 'cut'],
    ['CL, a part, half-closes',     '9112 8',   ["${OK}Content-Length: 10\r\n${END}ok", HALF], 'cut'],
    ['CL 2^63 - 1',                 '9112 8',   ["${OK}Content-Length: 9223372036854775807\r\n${END}ok", CLOSE], 'cut'],
    ['CL, a part, a rest later',    '9112 8',   ["${OK}Content-Length: 10\r\n${END}ok", PAUSE(0.2), 'ok', CLOSE], 'cut'],
    ['CL, all but one, to 1.0',     '9112 8',   ["${OK}Content-Length: 3\r\n${END}ok", CLOSE], 'cut', minor => 0],
    ['chunked, no chunk, closes',   '9112 8',   [@{ chunks('') }, CLOSE], 'cut'],
    ['chunked, half a size',        '9112 8',   [@{ chunks("2\r\nok\r\n1") }, CLOSE], 'cut'],
    ['chunked, half a chunk',       '9112 8',   [@{ chunks("5\r\nok") }, CLOSE], 'cut'],
    ['chunked, half a chunk, reset','9112 8',   [@{ chunks("5\r\nok") }, RESET], 'cut'],
    ['chunked, no last chunk',      '9112 8',   [@{ chunks("2\r\nok\r\n") }, CLOSE], 'cut'],
    ['chunked, no last chunk, 1.0', '9112 8',   [@{ chunks("2\r\nok\r\n") }, CLOSE], 'cut', minor => 0],
    ['chunked, half the last chunk','9112 8',   [@{ chunks("2\r\nok\r\n0") }, CLOSE], 'cut'],
    ['chunked, no empty line',      '9112 8',   [@{ chunks("2\r\nok\r\n0\r\n") }, CLOSE], 'cut'],
    ['chunked, half a trailer',     '9112 8',   [@{ chunks("2\r\nok\r\n0\r\nX: y") }, CLOSE], 'cut'],
    ['to the end, reset',           '9112 8',   ["$OK${END}ok", PAUSE(0.1), RESET], 'cut'],
    ['to the end, reset, to 1.0',   '9112 8',   ["$OK${END}ok", PAUSE(0.1), RESET], 'cut', minor => 0],

    # --- the chunked body
    ['chunk size empty',            '9112 7.1', chunks("\r\nok\r\n0\r\n\r\n"), 'cut'],
    ['chunk size xyz',              '9112 7.1', chunks("xyz\r\nok\r\n0\r\n\r\n"), 'cut'],
    ['chunk size 0x2',              '9112 7.1', chunks("0x2\r\nok\r\n0\r\n\r\n"), 'cut'],
    ['chunk size -2',               '9112 7.1', chunks("-2\r\nok\r\n0\r\n\r\n"), 'cut'],
    ['chunk size "2 "',             '9112 7.1.1', chunks("2 \r\nok\r\n0\r\n\r\n"), 'cut'],
    ['chunk size 2^64 + 2',         '9112 7.1', chunks("10000000000000002\r\nok\r\n0\r\n\r\n"), 'cut'],
    ['chunk size of 30 zeros',      '9112 7.1', chunks('0' x 30 . "2\r\nok\r\n0\r\n\r\n"), 'cut'],
    ['chunk line ends with LF',     '9112 7.1', chunks("2\nok\r\n0\r\n\r\n"), 'cut'],
    ['chunk data ends with LF',     '9112 7.1', chunks("2\r\nok\n0\r\n\r\n"), 'cut'],
    ['chunk data is longer',        '9112 7.1', chunks("2\r\nokok\r\n0\r\n\r\n"), 'cut'],
    ['an extension without end',    '7.5, 9112 7.1.1', chunks('2;' . 'a' x 100_000), 'cut'],
    ['a bare LF in an extension',   '9112 7.1.1', chunks("2;a\nb\r\nok\r\n0\r\n\r\n"), 'cut'],
    ['a good chunk, then a bad one','9112 7.1', [@{ chunks("2\r\nok\r\n") }, PAUSE(0.1), "zz\r\n"], 'cut'],
    ['a good chunk, a bad one, 1.0','9112 7.1', [@{ chunks("2\r\nok\r\n") }, PAUSE(0.1), "zz\r\n"], 'cut', minor => 0],
    ['a folded trailer',            '9112 7.1.2', chunks("2\r\nok\r\n0\r\nX: a\r\n b\r\n\r\n"), 'cut'],
    ['a trailer with no colon',     '9112 7.1.2', chunks("2\r\nok\r\n0\r\nX\r\n\r\n"), 'cut'],
    ['trailers without end',        '7.5, 9112 7.1.2', chunks("2\r\nok\r\n0\r\n" . "X: y\r\n" x 1000), 'cut'],

    # --- more than there should be: the client gets what was announced
    ['bytes behind the body',       '9112 6.3', ["$OK$CL${END}ok$EVIL"], 'whole'],
    ['bytes behind it, later',      '9112 6.3', ["$OK$CL${END}ok", PAUSE(0.1), $EVIL], 'whole'],
    ['CRLF behind the body',        '9112 6.3', ["$OK$CL${END}ok\r\n"], 'whole'],
    ['bytes behind the last chunk', '9112 7.1', [@{ chunks("2\r\nok\r\n0\r\n\r\n$EVIL") }], 'whole'],
    ['HEAD with a body',            '9110 9.3.2', ["$OK$CL${END}ok"], 'whole', method => 'HEAD'],
    ['HEAD with chunks',            '9110 9.3.2', chunks("2\r\nok\r\n0\r\n\r\n"), 'whole', method => 'HEAD'],
    ['304 with a body',             '9110 15.4.5', ["HTTP/1.1 304 Not Modified\r\n$CL${END}ok"], 'whole'],
    ['204 and a body',              '9110 15.3.5', ["HTTP/1.1 204 No Content\r\n${END}ok"], 'whole'],
    ['Connection: close, keeps open', '9112 9.6', ["${OK}Connection: close\r\n$CL${END}ok", SILENT], 'whole'],
    ['HTTP/1.0, keeps open',        '9112 9.3', ["HTTP/1.0 200 OK\r\n$CL${END}ok", SILENT], 'whole'],
    ['a body before the request is read', '9110 9.3.3', ["HTTP/1.1 413 Content Too Large\r\n$CL${END}ok", CLOSE], 'whole',
        method => 'POST', at => 'head', request => "Content-Length: 1000000\r\n"],
    ['closes, the request unread',  '9112 9.6', ["HTTP/1.1 413 Content Too Large\r\n$CL${END}ok", RESET], 'whole|502|cut',
        method => 'POST', at => 'head', request => "Content-Length: 1000000\r\n"],
    ['an answer before any request','9112 9.2', ["$OK$CL${END}ok"], 'whole', at => 'accept'],
    ['one byte a time, slowly',     '9112 2.2', [(map { ($_, PAUSE(0.02)) } split //, "$OK$CL${END}ok")], 'whole', reused => 1],
    ['to the end of the connection','9112 6.3', ["$OK${END}ok", CLOSE], 'whole'],

    # --- it takes too long (response_timeout is 2 s here)
    ['never answers',               '7.5',      [SILENT], 504],
    ['half a head, then nothing',   '7.5',      ["${OK}X: y", SILENT], 504],
    ['100, then nothing at all',    '7.5',      ["HTTP/1.1 100 Continue\r\n$END", SILENT], 504],
    ['half a body, then nothing',   '7.5',      ["${OK}Content-Length: 10\r\n${END}ok", SILENT], 'cut'],
    ['half a chunk, then nothing',  '7.5',      [@{ chunks("5\r\nok") }, SILENT], 'cut'],
    ['no last chunk, nothing',      '7.5',      [@{ chunks("2\r\nok\r\n") }, SILENT], 'cut'],
    ['no end, and nothing, to 1.0', '7.5',      ["$OK${END}ok", SILENT], 'cut', minor => 0],
    ['a byte now and then, for longer', '7.5',  [$OK . $TE . $END, map({ (PAUSE(0.2), $_) } split //, "4\r\nokok\r\n0\r\n\r\n")], 'okok', reused => 1],
);

1;
