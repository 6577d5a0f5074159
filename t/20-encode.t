# Text is compressed for those who accept it, as it comes, and nothing else is
# (2-http.md 2.3).  The Debian tools of each coding decode what came.
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use DynProxy::Scripted;
use Digest::MD5 qw(md5_hex);
use File::Temp;
use IO::Select;

my $proxy = DynProxy->new(workers => 1, tools => ['alpha']);
# brotli(1) says nothing of what has no end
my $piece = q(/usr/bin/python3 -c 'import brotli, sys; d = brotli.Decompressor(); sys.stdout.buffer.write(d.process(sys.stdin.buffer.read()))');
my %tool  = (gzip => ['gzip', '-dc'], br => ['brotli', '-dc'], zstd => ['zstd', '-qdc']);

# A body that is the same wherever it is made: text that compresses, or not.
sub text { my ($n) = @_; my $line = join(' ', map { $_ * 7919 % 1000 } 1 .. 500) . "\n"; return substr $line x (1 + $n / length $line), 0, $n }
sub noise { my ($n) = @_; srand 7; return join '', map { chr int rand 256 } 1 .. $n }

# /N/FIELDS: text of N bytes with a length; /chunked/N, /close/N, /noise/N
# without; /trickle: lines, each when the client has the one before; /cut: half
# of a chunked body.
pipe my $has, my $got or die $!;
my $backend = DynProxy::Scripted->new(sub {
    my ($method, $path, $head, $socket) = @_;
    close $got;    # or it would wait for itself, when the test has ended
    my ($how, $n, $more) = $path =~ m{^/(?:([a-z]+)/?)?(\d*)/?(.*)};
    my $fields = join '', map { s/%20/ /gr . "\r\n" } split /;/, $more;
    my $type   = $fields =~ /^Content-Type:/m ? '' : "Content-Type: text/html; charset=utf-8\r\n";
    my $status = $fields =~ s/^Status: (.*)\r\n//m ? $1 : '200 OK';
    my $body   = $how && $how eq 'noise' ? noise($n) : $n ? text($n) : '';
    print $socket "HTTP/1.1 $status\r\n$type$fields";
    if ($how && $how eq 'close') {
        print $socket "\r\n$body";
        return 0;
    }
    if (!$how) {
        print $socket "Content-Length: $n\r\n\r\n", $method eq 'HEAD' ? '' : $body;
        return 1;
    }
    print $socket "Transfer-Encoding: chunked\r\n\r\n";
    if ($how eq 'trickle') {
        for my $i (1 .. 5) {
            my $line = "token $i\n";
            printf $socket "%x\r\n%s\r\n", length $line, $line;
            sysread $has, my $next, 1;
        }
        print $socket "0\r\n\r\n";
        return 1;
    }
    printf $socket "%x\r\n%s\r\n", length, $_ for unpack '(a30011)*', $body;
    return 0 if $how eq 'cut';
    print $socket "0\r\n\r\n";
    return 1;
});
is $proxy->register('alpha', '.*', $backend->url), 'ok', 'a tool';

sub ask { my ($path, $accept, $method) = @_; return $proxy->request($method // 'GET', 'alpha', $path, headers => { 'Accept-Encoding' => $accept }) }

sub decode {
    my ($coding, $bytes, $partial) = @_;
    my $file = File::Temp->new;
    print $file $bytes;
    close $file;
    my $tool = $partial && $coding eq 'br' ? $piece : "@{$tool{$coding}}";
    open my $out, '-|', "$tool < $file 2>/dev/null" or die $!;
    local $/;
    my $text = <$out> // '';
    close $out;
    return $? == 0 || $partial ? $text : undef;
}

# --- every coding, every framing, every size
for my $coding (sort keys %tool) {
    for my $path ('/1024', '/100000', '/3000000', '/chunked/50', '/chunked/400000', '/close/90000', '/noise/300000', '/chunked/0') {
        my ($how, $n) = $path =~ m{^/(?:(\w+)/)?(\d+)};
        my $answer = ask($path, $coding);
        is $answer->header('content-encoding'), $coding, "$coding of $path";
        is $answer->header('vary'), 'Accept-Encoding', '  Vary';
        is $answer->header('content-length'), undef, '  the length is not known';
        ok $answer->complete, '  to its end';
        my $want = ($how // '') eq 'noise' ? noise($n) : text($n);
        is md5_hex(decode($coding, $answer->body) // 'not decoded'), md5_hex($want), '  every byte';
        cmp_ok length $answer->body, '<', $n / 3, '  smaller (' . length($answer->body) . " of $n)"
            if $n > 10_000 && ($how // '') ne 'noise';
    }
    ok !ask('/cut/400000', $coding)->complete, "$coding: a body that is cut has no end";
}

# --- what is left as it is, and what is said of it all the same
my @plain = (
    ['not accepted',        '/5000', 'identity', 'Accept-Encoding'],
    ['refused',             '/5000', 'gzip;q=0, br;q=0', 'Accept-Encoding'],
    ['small',               '/1023', 'gzip'],
    ['no text',             '/5000/Content-Type:%20image/png', 'gzip'],
    ['encoded already',     '/5000/Content-Encoding:%20gzip', 'gzip'],
    ['a range',             '/5000/Status:%20206%20Partial;Content-Range:%20bytes%200-4999/9999', 'gzip'],
    ['events',              '/chunked/5000/Content-Type:%20text/event-stream', 'gzip'],
    ['no-transform',        '/5000/Cache-Control:%20max-age=1,%20no-transform', 'gzip'],
    ['not to be held back', '/5000/X-Accel-Buffering:%20no', 'gzip'],
);
for my $case (@plain) {
    my ($what, $path, $accept, $vary) = @$case;
    my $answer = ask($path, $accept);
    my $was = $path =~ /Content-Encoding/ ? 'gzip' : undef;
    is $answer->header('content-encoding'), $was, "$what: as it was";
    is $answer->body, text(($path =~ /(\d+)/)[0]), '  every byte';
    is $answer->header('vary'), $vary, '  Vary: ' . ($vary // 'not');
}
my $old = DynProxy::Response->new($proxy->raw(
    "GET /5000 HTTP/1.0\r\nHost: alpha.example.test\r\nAccept-Encoding: gzip\r\n\r\n"));
is $old->header('content-encoding'), undef, 'HTTP/1.0: as it was';
is $old->body, text(5000), '  every byte';

# --- which one
is ask('/5000', $_->[0])->header('content-encoding'), $_->[1], "Accept-Encoding: $_->[0]"
    for ['gzip, deflate, br, zstd', 'zstd'], ['gzip, deflate, br', 'br'], ['gzip, br;q=0.5', 'gzip'];

# --- what the head says then
my $tagged = ask('/5000/ETag:%20"a";Vary:%20Cookie;Accept-Ranges:%20bytes', 'gzip');
is $tagged->header('etag'), 'W/"a"', 'a strong tag becomes weak';
is ask('/5000/ETag:%20W/"a"', 'gzip')->header('etag'), 'W/"a"', 'a weak one stays';
is ask('/5000/ETag:%20"a"', 'identity')->header('etag'), '"a"', 'so does one of what is not compressed';
is $tagged->header('vary'), 'Cookie, Accept-Encoding', 'Vary grows';
is $tagged->header('accept-ranges'), undef, 'no ranges of it';
is ask('/5000/Vary:%20accept-encoding', 'gzip')->header('vary'), 'accept-encoding', 'Vary does not grow twice';
my $head = ask('/5000', 'gzip', 'HEAD');
is $head->header('content-encoding'), 'gzip', 'HEAD says the same as GET';
is $head->header('content-length'), undef, 'without a length';
is $head->rest, '', 'or body';
is ask('/500', 'gzip', 'HEAD')->header('content-length'), 500, 'a small one has its length';

# --- two on one connection
my $two = $proxy->raw("GET /chunked/9000 HTTP/1.1\r\nHost: alpha.example.test\r\nAccept-Encoding: gzip\r\n\r\n"
    . "GET /50 HTTP/1.1\r\nHost: alpha.example.test\r\nConnection: close\r\n\r\n");
my $first = DynProxy::Response->new($two);
is decode('gzip', $first->body), text(9000), 'a compressed answer';
my $second = DynProxy::Response->new($first->rest);
is $second->body, text(50), 'and the next on the same connection';

# --- tokens pass at once: each line can be decoded when it was sent
for my $coding (sort keys %tool) {
    my $socket = $proxy->connect;
    print $socket "GET /trickle HTTP/1.1\r\nHost: alpha.example.test\r\nAccept-Encoding: $coding\r\nConnection: close\r\n\r\n";
    my ($bytes, $after) = ('', '');
    my ($select, $tokens) = (IO::Select->new($socket), 0);
    while ($select->can_read(20) && $socket->sysread($bytes, 65536, length $bytes)) {
        my $text = decode($coding, DynProxy::Response->new($bytes)->body, 'partial');
        my $now = () = $text =~ /token \d\n/g;
        next if $now == $tokens;
        $after .= " $now";
        syswrite $got, 'x' x ($now - $tokens);
        $tokens = $now;
    }
    my $answer = DynProxy::Response->new($bytes);
    is decode($coding, $answer->body), join('', map { "token $_\n" } 1 .. 5), "$coding: a stream of tokens";
    is $after, ' 1 2 3 4 5', "$coding: each could be read when it was sent";
}

# --- a client that does not read
my $slow = $proxy->connect;
print $slow "GET /noise/3000000 HTTP/1.1\r\nHost: alpha.example.test\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n";
is ask('/5000', 'gzip')->status, 200, 'holds up nobody' for 1 .. 20;
my $all = DynProxy::converse($slow);
is md5_hex(decode('gzip', DynProxy::Response->new($all)->body) // ''), md5_hex(noise(3_000_000)), 'and gets every byte';

# --- switched off
my $off = DynProxy->new(tools => ['alpha'], conf => { compression => 'off' });
is $off->register('alpha', '.*', $backend->url), 'ok', 'compression = off';
my $answer = $off->get('alpha', '/5000', headers => { 'Accept-Encoding' => 'gzip' });
is $answer->header('content-encoding'), undef, 'nothing is compressed';
is $answer->header('vary'), undef, 'and nothing said of it';

done_testing;
