//! Whether a point is on one of the NIST curves (FIPS 186-4, D.1.2): y^2 = x^3 - 3x + b mod p.
//!
//! Nothing here is secret, so constant time is not needed. A few thousand additions are fast enough for a key that is
//! checked once. The crates for arithmetic on these curves would add some twenty packages for this one check.

/// A number below 2^576, least limb first; the largest here is below 2^522.
type Number = [u64; 9];

#[derive(Debug)]
pub(super) struct Curve {
    /// The size of a coordinate.
    pub(super) bits: usize,
    /// The prime.
    p: Number,
    /// The constant term.
    b: Number,
}

pub(super) const P256: Curve = Curve {
    bits: 256,
    p: [0xffff_ffff_ffff_ffff, 0x0000_0000_ffff_ffff, 0, 0xffff_ffff_0000_0001, 0, 0, 0, 0, 0],
    b: [0x3bce_3c3e_27d2_604b, 0x651d_06b0_cc53_b0f6, 0xb3eb_bd55_7698_86bc, 0x5ac6_35d8_aa3a_93e7, 0, 0, 0, 0, 0],
};

pub(super) const P384: Curve = Curve {
    bits: 384,
    p: [0x0000_0000_ffff_ffff, 0xffff_ffff_0000_0000, 0xffff_ffff_ffff_fffe, u64::MAX, u64::MAX, u64::MAX, 0, 0, 0],
    b: [
        0x2a85_c8ed_d3ec_2aef,
        0xc656_398d_8a2e_d19d,
        0x0314_088f_5013_875a,
        0x181d_9c6e_fe81_4112,
        0x988e_056b_e3f8_2d19,
        0xb331_2fa7_e23e_e7e4,
        0,
        0,
        0,
    ],
};

pub(super) const P521: Curve = Curve {
    bits: 521,
    p: [u64::MAX, u64::MAX, u64::MAX, u64::MAX, u64::MAX, u64::MAX, u64::MAX, u64::MAX, 0x1ff],
    b: [
        0xef45_1fd4_6b50_3f00,
        0x3573_df88_3d2c_34f1,
        0x1652_c0bd_3bb1_bf07,
        0x5619_3951_ec7e_937b,
        0xb8b4_8991_8ef1_09e1,
        0xa2da_725b_99b3_15f3,
        0x929a_21a0_b685_40ee,
        0x953e_b961_8e1c_9a1f,
        0x51,
    ],
};

impl Curve {
    /// Whether x and y, big-endian and in their full length one after the other, are the coordinates of a point.
    pub(super) fn holds(&self, coordinates: &[u8]) -> bool {
        let size = self.bits.div_ceil(8);
        let Some((x, y)) = coordinates.split_at_checked(size).filter(|(_, y)| y.len() == size) else {
            return false;
        };
        let (x, y) = (number(x), number(y));
        if !is_less(&x, &self.p) || !is_less(&y, &self.p) {
            return false;
        }
        // The same equation without a subtraction: y^2 + 3x = x^3 + b.
        let left = self.sum(&self.product(&y, &y), &self.sum(&x, &self.sum(&x, &x)));
        let right = self.sum(&self.product(&self.product(&x, &x), &x), &self.b);
        left == right
    }

    /// a + b mod p, for numbers below p.
    fn sum(&self, a: &Number, b: &Number) -> Number {
        let sum = limbs(a, b, u64::overflowing_add);
        if is_less(&sum, &self.p) { sum } else { limbs(&sum, &self.p, u64::overflowing_sub) }
    }

    /// a * b mod p, for numbers below p, bit by bit.
    fn product(&self, a: &Number, b: &Number) -> Number {
        let bits = b.iter().rev().flat_map(|limb| (0..64).rev().map(move |bit| limb >> bit & 1));
        bits.fold([0; 9], |product, bit| {
            let doubled = self.sum(&product, &product);
            if bit == 1 { self.sum(&doubled, a) } else { doubled }
        })
    }
}

/// Reads a big-endian number of at most 72 bytes.
fn number(bytes: &[u8]) -> Number {
    let mut number = [0; 9];
    for (limb, bytes) in number.iter_mut().zip(bytes.rchunks(8)) {
        *limb = bytes.iter().fold(0, |limb, byte| (limb << 8) + u64::from(*byte));
    }
    number
}

fn is_less(a: &Number, b: &Number) -> bool {
    a.iter().rev().lt(b.iter().rev())
}

/// Adds or subtracts limb by limb. The caller knows that the result fits.
fn limbs(a: &Number, b: &Number, operation: fn(u64, u64) -> (u64, bool)) -> Number {
    let mut result = [0; 9];
    let mut carry = 0;
    for ((limb, a), b) in result.iter_mut().zip(a).zip(b) {
        let (partial, first) = operation(*a, *b);
        let (whole, second) = operation(partial, carry);
        *limb = whole;
        carry = u64::from(first || second);
    }
    result
}
