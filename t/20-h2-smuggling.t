# What is refused in HTTP/1 is refused in HTTP/2 (2-http.md 2.4): of each row of
# the HTTP/1 table, said in frames, a backend sees nothing or one request.
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use File::Temp;
use HostileRequests;
use IO::Handle;
use IPC::Open2;
use JSON::PP;

my $HOST = "Host: alpha.example.test\r\n";
my $EVIL = "GET /smuggled HTTP/1.1\r\n$HOST\r\n";
my @more = (
    ['H2.TE',                  '9113 8.2.2', "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n$EVIL"],
    ['H2.TE, hidden in a value', '9113 8.2.1', "POST / HTTP/1.1\r\nX: a\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n$EVIL"],
    ['H2.TE, hidden in a name', '9113 8.2.1', "POST / HTTP/1.1\r\ntransfer-encoding\n: chunked\r\n\r\n0\r\n\r\n$EVIL"],
    ['H2.CL, too short',       '9113 8.1.1', "POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n$EVIL"],
    ['H2.CL, too long',        '9113 8.1.1', "POST / HTTP/1.1\r\nContent-Length: 500\r\n\r\n$EVIL"],
    ['H2.CL of a GET',         '9113 8.1.1', "GET / HTTP/1.1\r\nContent-Length: 3\r\n\r\nx=1$EVIL"],
    ['a body of a GET',        '9110 9.3.1', "GET / HTTP/1.1\r\n\r\n$EVIL"],
    ['a request in the method', '9113 8.2.1', "GET /smuggled HTTP/1.1\n\nGET / HTTP/1.1\r\n\r\n"],
    ['a request in the target', '9113 8.2.1', "GET / HTTP/1.1\n\nGET /smuggled HTTP/1.1\r\n\r\n"],
    ['a field in the target',  '9113 8.2.1', "GET /\nX: y HTTP/1.1\r\n\r\n"],
    ['a field in Host',        '9113 8.2.1', "GET / HTTP/1.1\r\nHost: alpha.example.test\nX: y\r\n\r\n"],
    ['a prefix in Host',       '9113 8.3.1', "GET / HTTP/1.1\r\nHost: alpha.example.test/smuggled?\r\n\r\n"],
    ['a blank and a version in the target', '9113 8.3.1', "GET / HTTP/1.1 HTTP/1.1\r\n\r\n"],
    ['Expect and no body',     '9110 10.1.1', "POST / HTTP/1.1\r\nExpect: 100-continue\r\n\r\n"],
    ['HTTP2-Settings',         '7540 3.2.1', "GET / HTTP/1.1\r\nHTTP2-Settings: AAMAAABk\r\n\r\n"],
    ['TE: chunked',            '9113 8.2.2', "GET / HTTP/1.1\r\nTE: chunked\r\n\r\n"],
    ['content_length',         '3875 4.1.18', "POST / HTTP/1.1\r\nContent_Length: 5\r\n\r\n$EVIL"],
);

my $proxy = DynProxy->new(tools => ['alpha'], tls => ["*.$DynProxy::DOMAIN"], conf => { backend_idle_timeout => '1m' });
my $table = File::Temp->new;
print $table encode_json([map { [@$_[0 .. 2]] } @HostileRequests::REFUSED, @more]);
close $table;
my $pid = open2(my $said, my $say, "$FindBin::Bin/h2_smuggling.py", "$table");
$say->autoflush(1);
chomp(my $port = <$said>);
is $proxy->register('alpha', '.*', "http://127.0.0.1:$port"), 'ok', 'a backend that keeps what it gets';
print $say "$proxy->{https_port}\n";
chomp(my @lines = <$said>);
cmp_ok scalar @lines, '>=', 200, 'every row was tried';
like $_, qr/^ok/, $_ =~ s/^(?:not )?ok //r for @lines;
waitpid $pid, 0;
is $?, 0, 'to the end';
done_testing;
