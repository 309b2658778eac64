-- Functions that formulas call on PostgreSQL. None of them raises: where the argument has no result they give NULL.
CREATE SCHEMA IF NOT EXISTS trellis_fn;

-- Exponent of the first significant digit: 0 for 1 to 9.99…, -1 for 0.1 to 0.99…
CREATE OR REPLACE FUNCTION trellis_fn.magnitude(x numeric) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT CASE WHEN abs(x) >= 1 THEN length(trunc(abs(x))::text) - 1
              ELSE length(ltrim(substr(abs(x)::text, 3), '0')) - length(substr(abs(x)::text, 3)) - 1 END
$$;

-- Round half away from zero to n significant digits.
CREATE OR REPLACE FUNCTION trellis_fn.rsig(x numeric, n integer) RETURNS numeric LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
  IF x = 0 OR length(x::text) <= n THEN RETURN x; END IF;
  RETURN round(x, n - 1 - trellis_fn.magnitude(x));
END $$;

-- The same with halves towards zero.
CREATE OR REPLACE FUNCTION trellis_fn.rsig_down(x numeric, n integer) RETURNS numeric LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE places integer; cut numeric; half numeric;
BEGIN
  IF x = 0 OR length(x::text) <= n THEN RETURN x; END IF;
  places := n - 1 - trellis_fn.magnitude(x);
  cut := trunc(x, places);
  half := ('5e' || (-places - 1))::numeric;
  RETURN CASE WHEN abs(x - cut) > half THEN cut + sign(x) * half * 2 ELSE cut END;
END $$;

CREATE OR REPLACE FUNCTION trellis_fn.ceil0(x numeric) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT CASE WHEN x < 0 THEN floor(x) ELSE ceil(x) END
$$;

CREATE OR REPLACE FUNCTION trellis_fn.add(a numeric, b numeric) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT trellis_fn.rsig(a + b, 39)
$$;
CREATE OR REPLACE FUNCTION trellis_fn.sub(a numeric, b numeric) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT trellis_fn.rsig(a - b, 39)
$$;
CREATE OR REPLACE FUNCTION trellis_fn.mul(a numeric, b numeric) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT trellis_fn.rsig(a * b, 39)
$$;

-- The quotient cut at more than 40 digits decides a half-up rounding at 39 digits exactly as the infinite one does.
CREATE OR REPLACE FUNCTION trellis_fn.div(a numeric, b numeric) RETURNS numeric LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE shift integer;
BEGIN
  IF b = 0 THEN RETURN NULL; END IF;
  IF a = 0 THEN RETURN 0; END IF;
  shift := greatest(41 - (trellis_fn.magnitude(a) - trellis_fn.magnitude(b)), 0);
  RETURN trellis_fn.rsig(div(a * ('1e' || shift)::numeric, b) * ('1e-' || shift)::numeric, 39);
END $$;

-- a op b op c …, from the left; a NULL makes the rest NULL, a division by zero too.
CREATE OR REPLACE FUNCTION trellis_fn.chain(signs text, terms numeric[]) RETURNS numeric LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE total numeric := terms[1];
BEGIN
  FOR i IN 2 .. array_length(terms, 1) LOOP
    IF total IS NULL THEN RETURN NULL; END IF;
    total := CASE substr(signs, i, 1)
      WHEN '+' THEN trellis_fn.rsig(total + terms[i], 39) WHEN '-' THEN trellis_fn.rsig(total - terms[i], 39)
      WHEN '*' THEN trellis_fn.rsig(total * terms[i], 39) ELSE trellis_fn.div(total, terms[i]) END;
  END LOOP;
  RETURN total;
END $$;
CREATE OR REPLACE FUNCTION trellis_fn.chain_fails(signs text, terms numeric[]) RETURNS boolean LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
  FOR i IN 1 .. array_length(terms, 1) LOOP
    IF terms[i] IS NULL THEN RETURN false; END IF;
    IF i > 1 AND terms[i] = 0 AND substr(signs, i, 1) = '/' THEN RETURN true; END IF;
  END LOOP;
  RETURN false;
END $$;

CREATE OR REPLACE FUNCTION trellis_fn.pow(x numeric, n numeric) RETURNS numeric LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE size float8; k bigint; base numeric; result numeric := 1;
BEGIN
  IF n <> trunc(n) THEN RETURN NULL; END IF;
  IF n = 0 THEN RETURN 1; END IF;
  IF x = 0 THEN RETURN CASE WHEN n > 0 THEN 0 END; END IF;
  IF abs(x) = 1 THEN RETURN CASE WHEN x > 0 OR mod(n, 2) = 0 THEN 1 ELSE -1 END; END IF;
  size := log(abs(x))::float8 * n::float8;
  IF abs(n) >= 1e12 THEN RETURN CASE WHEN size <= -39 THEN 0 END; END IF;
  IF size > 64 THEN RETURN NULL; END IF;
  IF size < -45 THEN RETURN 0; END IF;
  k := abs(n)::bigint;
  base := x;
  WHILE k > 0 LOOP
    IF k % 2 = 1 THEN result := trellis_fn.rsig(result * base, 70); END IF;
    k := k / 2;
    IF k > 0 THEN base := trellis_fn.rsig(base * base, 70); END IF;
  END LOOP;
  IF n < 0 THEN result := div(('1e' || (70 + greatest(trellis_fn.magnitude(result), 0)))::numeric, result)
                          * ('1e-' || (70 + greatest(trellis_fn.magnitude(result), 0)))::numeric; END IF;
  result := trellis_fn.rsig(result, 18);
  RETURN CASE WHEN abs(result) < 1e-39 THEN 0 ELSE result END;
END $$;

-- Functions of doubles; back by the shortest text that names the same double.
CREATE OR REPLACE FUNCTION trellis_fn.fl(f text, x numeric) RETURNS numeric LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
  SET extra_float_digits = 1 AS $$
DECLARE d float8; r float8;
BEGIN
  IF abs(x) >= 1e308 THEN
    IF f = 'exp' AND x < 0 THEN RETURN 0; END IF;
    RETURN NULL;
  END IF;
  IF x <> 0 AND abs(x) < 1e-300 THEN d := 0; ELSE d := x::float8; END IF;
  CASE f
    WHEN 'sqrt' THEN IF d < 0 THEN RETURN NULL; END IF; r := sqrt(d);
    WHEN 'exp' THEN
      IF d > 709.782712893384 THEN RETURN NULL; END IF;
      IF d < -708 THEN r := 0; ELSE r := exp(d); END IF;
    WHEN 'ln' THEN IF d <= 0 THEN RETURN NULL; END IF; r := ln(d);
    WHEN 'log' THEN IF d <= 0 THEN RETURN NULL; END IF; r := log(d);
    WHEN 'sin' THEN r := sin(d);
    WHEN 'cos' THEN r := cos(d);
    WHEN 'tan' THEN r := tan(d);
    WHEN 'asin' THEN IF abs(d) > 1 THEN RETURN NULL; END IF; r := asin(d);
    WHEN 'acos' THEN IF abs(d) > 1 THEN RETURN NULL; END IF; r := acos(d);
    WHEN 'atan' THEN r := atan(d);
  END CASE;
  RETURN (r::text)::numeric;
END $$;
CREATE OR REPLACE FUNCTION trellis_fn.fl2(f text, y numeric, x numeric) RETURNS numeric LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
  SET extra_float_digits = 1 AS $$
BEGIN
  IF greatest(abs(x), abs(y)) >= 1e308 THEN RETURN NULL; END IF;
  IF (x <> 0 AND abs(x) < 1e-300) OR (y <> 0 AND abs(y) < 1e-300) THEN RETURN NULL; END IF;
  RETURN (atan2(y::float8, x::float8)::text)::numeric;
END $$;

-- A count: whole, and limited so that it fits an integer.
CREATE OR REPLACE FUNCTION trellis_fn.i(x numeric) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT trunc(least(greatest(x, -2000000000), 2000000000))::integer
$$;

-- GREATEST skips NULL, so a plain GREATEST would lose a blank.
CREATE OR REPLACE FUNCTION trellis_fn.clamp(x numeric, low integer) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT CASE WHEN x IS NULL THEN NULL ELSE trunc(least(greatest(x, low), 1000000000))::integer END
$$;

CREATE OR REPLACE FUNCTION trellis_fn.plain(x numeric) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT trim_scale(x)::text
$$;

CREATE OR REPLACE FUNCTION trellis_fn.len16(t text) RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN t IS NULL THEN 0 ELSE
    (char_length(t) + CASE WHEN octet_length(t) = char_length(t) THEN 0
     ELSE char_length(regexp_replace(t, '[^\U00010000-\U0010FFFF]', '', 'g')) END)::numeric END
$$;

CREATE OR REPLACE FUNCTION trellis_fn.bounded(t text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT CASE WHEN char_length(t) <= 1000000 THEN t END
$$;
CREATE OR REPLACE FUNCTION trellis_fn.substitute(t text, old text, new text) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE many integer;
BEGIN
  IF t IS NULL OR old IS NULL THEN RETURN t; END IF;
  many := (char_length(t) - char_length(replace(t, old, ''))) / char_length(old);
  IF char_length(t) + many::numeric * (coalesce(char_length(new), 0) - char_length(old)) > 1000000 THEN RETURN NULL; END IF;
  RETURN replace(t, old, coalesce(new, ''));
END $$;

CREATE OR REPLACE FUNCTION trellis_fn.substr(t text, place numeric, many numeric) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE p integer := trellis_fn.i(place); n integer := trellis_fn.i(many); size integer := char_length(t);
BEGIN
  IF abs(p) > size OR n <= 0 THEN RETURN NULL; END IF;
  p := CASE WHEN p < 0 THEN size + p + 1 ELSE greatest(p, 1) END;
  RETURN substr(t, p, least(n, size));
END $$;

CREATE OR REPLACE FUNCTION trellis_fn.find(part text, t text, place numeric) RETURNS numeric LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE p integer; at integer;
BEGIN
  IF part IS NULL OR t IS NULL THEN RETURN 0; END IF;
  IF place IS NULL THEN RETURN NULL; END IF;
  p := least(greatest(trellis_fn.i(place), 1), char_length(t) + 1);
  at := strpos(substr(t, p), part);
  RETURN CASE WHEN at = 0 THEN 0 ELSE at + p - 1 END;
END $$;

CREATE OR REPLACE FUNCTION trellis_fn.like_pattern(p text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT CASE WHEN (length(p) - length(rtrim(p, '\'))) % 2 = 1 THEN p || '\' ELSE p END
$$;

CREATE OR REPLACE FUNCTION trellis_fn.lpad(t text, n numeric, fill text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT CASE WHEN trunc(n) <= 0 THEN ''
    WHEN trunc(n) > 100000 THEN CASE WHEN char_length(t) >= trunc(n) THEN left(t, trellis_fn.i(n)) END
    ELSE pg_catalog.lpad(t, trellis_fn.i(n), fill) END
$$;
CREATE OR REPLACE FUNCTION trellis_fn.rpad(t text, n numeric, fill text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT CASE WHEN trunc(n) <= 0 THEN ''
    WHEN trunc(n) > 100000 THEN CASE WHEN char_length(t) >= trunc(n) THEN left(t, trellis_fn.i(n)) END
    ELSE pg_catalog.rpad(t, trellis_fn.i(n), fill) END
$$;

CREATE OR REPLACE FUNCTION trellis_fn.make_date(y numeric, m numeric, d numeric) RETURNS date LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE year integer := trellis_fn.i(y); month integer := trellis_fn.i(m); day integer := trellis_fn.i(d);
BEGIN
  IF year < 1 OR year > 9999 OR month < 1 OR month > 12 OR day < 1 OR day > 31 THEN RETURN NULL; END IF;
  IF day > extract(day FROM make_date(year, month, 1) + interval '1 month' - interval '1 day') THEN RETURN NULL; END IF;
  RETURN pg_catalog.make_date(year, month, day);
END $$;

CREATE OR REPLACE FUNCTION trellis_fn.read_date(t text) RETURNS date LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE m text[] := regexp_match(t, '^([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})');
BEGIN
  RETURN trellis_fn.make_date(m[1]::numeric, m[2]::numeric, m[3]::numeric);
END $$;

CREATE OR REPLACE FUNCTION trellis_fn.read_moment(t text) RETURNS timestamptz LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE m text[] := regexp_match(t, '^([0-9]{4})-([0-9]{1,2})-([0-9]{1,2}) ([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})'); day date;
BEGIN
  IF m IS NULL OR m[4]::integer > 23 OR m[5]::integer > 59 OR m[6]::integer > 59 THEN RETURN NULL; END IF;
  day := trellis_fn.make_date(m[1]::numeric, m[2]::numeric, m[3]::numeric);
  RETURN (day + make_time(m[4]::integer, m[5]::integer, m[6]::integer)) AT TIME ZONE 'UTC';
END $$;

CREATE OR REPLACE FUNCTION trellis_fn.read_time(t text) RETURNS time LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
  IF t !~ '^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9][.][0-9]{3}$' THEN RETURN NULL; END IF;
  RETURN t::time;
END $$;

CREATE OR REPLACE FUNCTION trellis_fn.ms(t time) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT trunc(extract(epoch FROM t) * 1000)
$$;
CREATE OR REPLACE FUNCTION trellis_fn.time_of(x numeric) RETURNS time LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT time '00:00' + (x::integer / 1000) * interval '1 second' + (x::integer % 1000) * interval '1 millisecond'
$$;
CREATE OR REPLACE FUNCTION trellis_fn.seconds(t timestamptz) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT extract(epoch FROM t)
$$;

CREATE OR REPLACE FUNCTION trellis_fn.day_of(t timestamptz, zone text) RETURNS date LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE day date := (t AT TIME ZONE zone)::date;
BEGIN
  RETURN CASE WHEN day BETWEEN date '0001-01-01' AND date '9999-12-31' THEN day END;
END $$;

CREATE OR REPLACE FUNCTION trellis_fn.shift_date(d date, n numeric) RETURNS date LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE days integer := d - date '0001-01-01';
BEGIN
  IF days + trunc(n) < 0 OR days + trunc(n) > 3652058 THEN RETURN NULL; END IF;
  RETURN d + trunc(n)::integer;
END $$;

CREATE OR REPLACE FUNCTION trellis_fn.shift_seconds(t timestamptz, n numeric) RETURNS timestamptz LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE total numeric := extract(epoch FROM t) + n; days integer; utc timestamp := t AT TIME ZONE 'UTC';
BEGIN
  -- Years 1 to 9999.
  IF total < -62135596800 OR total >= 253402300800 THEN RETURN NULL; END IF;
  days := trunc(n / 86400)::integer;
  RETURN (utc + make_interval(days => days) + (n - days::numeric * 86400)::integer * interval '1 second') AT TIME ZONE 'UTC';
END $$;
CREATE OR REPLACE FUNCTION trellis_fn.shift_moment(t timestamptz, n numeric) RETURNS timestamptz LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT trellis_fn.shift_seconds(t, round(n * 86400))
$$;
CREATE OR REPLACE FUNCTION trellis_fn.from_seconds(n numeric) RETURNS timestamptz LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT trellis_fn.shift_seconds(timestamptz '1970-01-01 00:00:00+00', trunc(n))
$$;
CREATE OR REPLACE FUNCTION trellis_fn.shift_time(t time, n numeric) RETURNS time LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE total numeric := trellis_fn.ms(t) + trunc(least(greatest(n, -1e18), 1e18));
BEGIN
  RETURN CASE WHEN total >= 0 THEN trellis_fn.time_of(mod(total, 86400000)) END;
END $$;

CREATE OR REPLACE FUNCTION trellis_fn.add_months(d date, n numeric) RETURNS date LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE month0 integer; first date; last integer; is_last boolean;
BEGIN
  IF abs(trunc(n)) > 200000 THEN RETURN NULL; END IF;
  month0 := extract(year FROM d)::integer * 12 + extract(month FROM d)::integer - 1 + trunc(n)::integer;
  IF month0 < 12 OR month0 >= 120000 THEN RETURN NULL; END IF;
  first := pg_catalog.make_date(month0 / 12, month0 % 12 + 1, 1);
  last := extract(day FROM first + interval '1 month' - interval '1 day');
  is_last := extract(day FROM d + 1) = 1;
  RETURN first + (CASE WHEN is_last THEN last ELSE least(extract(day FROM d)::integer, last) END - 1);
END $$;
CREATE OR REPLACE FUNCTION trellis_fn.add_months(t timestamptz, n numeric) RETURNS timestamptz LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT (trellis_fn.add_months((t AT TIME ZONE 'UTC')::date, n) + (t AT TIME ZONE 'UTC')::time) AT TIME ZONE 'UTC'
$$;

CREATE OR REPLACE FUNCTION trellis_fn.duration(x numeric, days boolean) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE s numeric := abs(trunc(x)); h numeric := div(s, 3600); tail text;
BEGIN
  IF s >= 1e18 THEN RETURN NULL; END IF;
  tail := ':' || lpad(div(mod(s, 3600), 60)::text, 2, '0') || ':' || lpad(mod(s, 60)::text, 2, '0');
  IF days THEN RETURN div(h, 24)::text || ':' || lpad(mod(h, 24)::text, 2, '0') || tail; END IF;
  RETURN CASE WHEN h < 10 THEN '0' ELSE '' END || h::text || tail;
END $$;
